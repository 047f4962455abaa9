"""What the tests share: a scripted server on real sockets."""
