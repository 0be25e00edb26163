"""The registry, custody and ONNX Runtime as the predictor needs them."""
