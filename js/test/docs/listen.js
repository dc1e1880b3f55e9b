// Goop is there now, and the example is not yet.
listen();
