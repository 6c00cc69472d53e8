"""Many simulations as one: study files, their parts on threads or a cluster, the store, comparisons in pairs."""
