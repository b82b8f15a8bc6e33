"""A real deployment without an account: `cdk deploy` against MiniStack, an emulator of AWS."""
