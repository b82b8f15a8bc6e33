"""One deployment's life, played against an emulator of AWS; run by `make e2e` alone."""
