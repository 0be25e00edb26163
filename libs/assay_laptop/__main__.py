"""`python -m assay_laptop …` is `assay …`: how a detached platform starts itself."""

from assay.cli import main

if __name__ == "__main__":
    main()
