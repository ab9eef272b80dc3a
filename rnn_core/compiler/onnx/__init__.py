"""Export of cells to ONNX."""
