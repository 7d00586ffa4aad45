"""The last look at everything that leaves the process: nothing that holds a secret of the run passes."""
