"""nbchat in JupyterLab and Notebook 7, as a reader at a browser sees and steers it."""
