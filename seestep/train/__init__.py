"""Post-training: plan, collate, losses, SFT and DPO trainers, stages, guard sets."""
