"""What a cell becomes in an ONNX graph."""
