"""The services of Assay; each meets the others only over the network."""
