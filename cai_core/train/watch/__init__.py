"""What a run shows of itself while it learns: alarms, samples, its first batch, its best and worst rows."""
