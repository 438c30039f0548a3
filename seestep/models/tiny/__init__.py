"""The embedded tiny model: its architecture, tokenizer, pretraining recipe and weights."""
