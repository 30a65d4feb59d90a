"""Every process: the imperative shell around the core; the only queue, network and clock."""
