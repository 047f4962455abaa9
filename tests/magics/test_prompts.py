"""What goes into a prompt through both magics: values, images, files, sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import UsageError
from tests.support.cells import MAGICS, bodies, parts, run, said, script, streamed
from tests.support.server import ScriptedServer

PNG = "data:image/png;base64,"
SETUP = """
import numpy, pandas, polars
from PIL import Image

n, x, name = 3, 2.5, '{{ n }} {n} \\\\{{ $n'
table = pandas.DataFrame({"city": ["Rome", "Oslo"], "people": [2800000, 700000]})
long = pandas.DataFrame({"row": range(5000)})
row = table["people"]
frame = polars.DataFrame({"city": ["Rome"]})
column = frame["city"]
array = numpy.arange(6).reshape(2, 3)
picture = Image.new("RGB", (4, 4), "red")
large = Image.new("L", (4096, 16))

class Shown:
    def _repr_markdown_(self):
        return "**bold**"

class Drawn:
    def _repr_png_(self):
        return picture._repr_png_()
"""


@pytest.fixture(autouse=True)
def values(shell: InteractiveShell) -> None:
    run(shell, SETUP)


# --- {{ expr }} -------------------------------------------------------------------------------

FILLED = [
    ("{{ n + 1 }} and {{n:04d}}, {{ name }}", "4 and 0003, {{ n }} {n} \\{{ $n"),
    ("{{ x!r:>6 }}|{{ [i for i in range(n) if i != n] }}", "   2.5|[0, 1, 2]"),
    ("\\{{ n }} {n} {% n %} {# n #} $n \\n }} {{ n }}", "{{ n }} {n} {% n %} {# n #} $n \\n }} 3"),
    ("{{ Shown() }} {{ {'a': {'b': n}} }}", "**bold** {'a': {'b': 3}}"),
]


@pytest.mark.parametrize(("text", "sent"), FILLED)
def test_expressions_are_filled(
    text: str, sent: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, f"%%{magic}\n{text}")
    assert parts(bodies(server)[0]) == [("text", sent)]


@pytest.mark.parametrize("form", ["%%{}\n{}", "%{} {}"])
def test_literal_fills_nothing(
    form: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    text = "a \\{{ n }} or {{ nowhere }}"
    run(shell, form.format(f"{magic} --literal", text))
    assert parts(bodies(server)[0]) == [("text", text)]


def test_inputs_and_outputs_of_the_notebook(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.run_cell("20 + 1", store_history=True)
    last = shell.execution_count - 1
    run(shell, f"%%{magic}\n{{{{ In[{last}] }}}} is {{{{ Out[{last}] }}}}")
    assert parts(bodies(server)[0]) == [("text", "20 + 1 is 21")]


def test_tables_are_markdown(magic: str, shell: InteractiveShell, server: ScriptedServer) -> None:
    names = ("table", "row", "array", "frame", "column", "long")
    run(shell, f"%%{magic}\n" + "\n\n".join(f"{{{{ {name} }}}}" for name in names))
    ((kind, text),) = parts(bodies(server)[0])
    assert kind == "text"
    *whole, long, shape = text.split("\n\n")
    assert whole == [
        "| city | people |\n| --- | --- |\n| Rome | 2800000 |\n| Oslo | 700000 |",
        "| people |\n| --- |\n| 2800000 |\n| 700000 |",
        "| 0 | 1 | 2 |\n| --- | --- | --- |\n| 0 | 1 | 2 |\n| 3 | 4 | 5 |",
        "| city |\n| --- |\n| Rome |",
        "| city |\n| --- |\n| Rome |",
    ]
    assert shape == "(5000 rows × 1 columns; … stands for the rest)"
    assert len(long.splitlines()) < 50


def test_pictures_stand_at_their_places(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, f"%%{magic}\nCompare {{{{ picture }}}} with {{{{ Drawn() }}}}, please.")
    found = parts(bodies(server)[0])
    assert [kind for kind, _ in found] == ["text", "image", "text", "image", "text"]
    assert [words for kind, words in found if kind == "text"] == [
        "Compare ",
        " with ",
        ", please.",
    ]
    assert all(url.startswith(PNG) for kind, url in found if kind == "image")


def test_a_figure_is_a_picture(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "from matplotlib.figure import Figure\nfigure = Figure((1, 1))\nfigure.subplots()")
    run(shell, f"%%{magic}\n{{{{ figure }}}} What is on the axes?")
    assert [kind for kind, _ in parts(bodies(server)[0])] == ["image", "text"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ undefined_name }}", "{{ undefined_name }}: undefined_name is not defined"),
        ("{{ opinion }}", "opinion is not defined\n"),  # IPython has an `open` there
        ("{{ 1 / 0 }}", "{{ 1 / 0 }}: ZeroDivisionError: division by zero"),
        ("{{ n", "the two closing braces are missing"),
    ],
)
def test_what_can_not_be_filled_is_named_and_not_sent(
    text: str, words: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError) as caught:
        run(shell, f"%%{magic}\nSo: {text}")
    message = str(caught.value)
    assert words in message
    assert "\\{{" in message
    assert "--literal" in message
    assert server.exchanges == []
    run(shell, f"%%{magic}\nhello")
    assert len(said(bodies(server)[0])) == 1


@pytest.mark.parametrize("magic", MAGICS)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"])) | st.text("{}\\%#$`'\"?!;\t\r\n a"))
@example(text="{ {% if %} {# a #} {n} $n ${n} $(n) \\n \\\\ %d %% }} }")
@example(text='%%chat\n!ls\n?\nwhat\'s "this"?')
@example(text=">>> 1 + 1\n2\n... and In [1]: a")
@example(text="In [1]: a\n   ...: b\nOut[1]: c")
@example(text=" \n\t\n  .")
@example(text="  indented\r\n\ttabs\x0b\x0c\x1c\u2028 and \x00")
def test_text_without_two_braces_is_sent_byte_for_byte(
    text: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    while "{{" in text:
        text = text.replace("{{", "{")
    if not text.strip():
        text += "."
    run(shell, f"%%{magic} --once\n{text}")
    # The last line end of a cell is the one that IPython gives to cells that have none.
    assert parts(bodies(server)[-1]) == [("text", text.removesuffix("\n"))]


# --- Images -----------------------------------------------------------------------------------


def test_images_are_variables_paths_and_addresses(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "picture.save('disk.png')")
    refs = "--image picture --image disk.png --image https://example.org/a.png"
    run(shell, f"%%{magic} {refs} --image {{{{ Drawn() }}}}\nWhat is it?")
    text, *images = parts(bodies(server)[0])
    assert text == ("text", "What is it?")
    assert [kind for kind, _ in images] == ["image"] * 4
    assert images[2] == ("image", "https://example.org/a.png")
    assert all(url.startswith(PNG) for _, url in (*images[:2], images[3]))


def test_a_large_image_is_made_smaller_and_that_is_said(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    reply = run(shell, f"%{magic} --image large what is it?")
    assert reply.notices == ("--image large: 4096×16 px, sent as 2048×8",)
    assert "sent as 2048×8" in reply._repr_mimebundle_()["text/html"]


# --- Files ------------------------------------------------------------------------------------


def test_files(magic: str, shell: InteractiveShell, server: ScriptedServer) -> None:
    Path("notes.md").write_text("Some ``` and {{ n }}.", "utf-8")
    Path("paper.pdf").write_bytes(b"%PDF-1.7 and so on")
    run(shell, "data = b'\\x00\\x01\\x02'")
    run(shell, f"%%{magic} --file notes.md --file paper.pdf --file data\nSum up.")
    (kind, text), *files = parts(bodies(server)[0])
    assert kind == "text"
    assert text.startswith("Sum up.\n\nnotes.md:\n\n````md\nSome ``` and {{ n }}.\n````")
    assert files == [("file", "paper.pdf"), ("file", "data")]


def test_a_file_by_its_address_is_for_respond(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%respond --once --file https://example.org/a.pdf sum up")
    assert parts(bodies(server)[0])[1] == ("file_url", "https://example.org/a.pdf")
    with pytest.raises(UsageError, match="use %%respond"):
        run(shell, "%chat --file https://example.org/a.pdf sum up")
    # Nothing of it is left on the thread.
    run(shell, "%chat hello")
    assert [parts(body) for body in bodies(server)[1:]] == [[("text", "hello")]]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--image nowhere.png", "--image nowhere.png: no variable and no file of that name"),
        ("--file nowhere.pdf", "--file nowhere.pdf: no variable and no file of that name"),
        ("--image paper.pdf", "--image paper.pdf: application/pdf is no PNG, JPEG, GIF or WebP"),
        ("--image broken.jpg", "--image broken.jpg: the image is damaged: Pillow can't read it"),
        ("--image n", "--image n: a int is no image"),
        ("--file table", "--file table: a DataFrame is no file"),
        ("--file picture.png", "image/png goes with --image"),
        ("--file large.bin", "--file large.bin: 20.0 MB; at most 20 MB are sent"),
        ("--image large.bin", "at most 20 MB are sent"),
    ],
)
def test_what_can_not_be_attached_fails_before_anything_is_sent(
    option: str, words: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    Path("paper.pdf").write_bytes(b"%PDF-1.7 and so on")
    Path("broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    run(shell, "picture.save('picture.png')")
    with Path("large.bin").open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(UsageError) as caught:
        run(shell, f"%{magic} {option} what is it?")
    assert words in str(caught.value)
    assert server.exchanges == []


# --- Sound ------------------------------------------------------------------------------------


def test_sound_is_for_chat(shell: InteractiveShell, server: ScriptedServer) -> None:
    Path("hello.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    run(shell, "spoken = b'ID3' + bytes(20)")
    run(shell, "%chat --audio hello.wav --audio spoken what is said?")
    assert parts(bodies(server)[0])[1:] == [("audio", "wav"), ("audio", "mp3")]
    with pytest.raises(UsageError, match=r"%%respond has no --audio: use %%chat"):
        run(shell, "%respond --audio hello.wav what is said?")
    for option, words in [("nowhere.wav", "no file"), ("n", "no sound"), ("table", "no sound")]:
        with pytest.raises(UsageError, match=words):
            run(shell, f"%chat --audio {option} what is said?")
    assert len(server.exchanges) == 1


def test_a_thread_with_sound_does_not_go_on_at_respond(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "spoken = b'ID3' + bytes(20)")
    script(server, "chat", streamed("chat", "Hello."))
    run(shell, "%chat --audio spoken what is said?")
    with pytest.raises(UsageError, match=r"%%respond takes no sound: use %%chat"):
        run(shell, "%respond and now?")
    run(shell, "%chat and now?")
    assert len(bodies(server)) == 2
