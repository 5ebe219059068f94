"""The checks of `tollbook doctor`: each looks at one thing, changes nothing, and says what to do next."""
