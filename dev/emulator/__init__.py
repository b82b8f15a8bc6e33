"""`make deploy-local`: the real `cdk deploy` against MiniStack, an emulator of AWS."""
