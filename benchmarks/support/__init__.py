"""What several benchmarks stand on: a lean client, small servers, a platform on which the main job has run."""
