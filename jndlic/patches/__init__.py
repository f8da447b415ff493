"""Parts of a picture, or all of it, in another format: pixels to patches and back."""
