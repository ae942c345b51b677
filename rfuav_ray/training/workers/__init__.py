"""Several workers that train one model together, with torch.distributed. Know nothing of Ray."""
