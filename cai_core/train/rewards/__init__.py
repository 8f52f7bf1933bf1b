"""What reward models are made of besides torch: cutting of long pairs, and heads on frozen features."""
