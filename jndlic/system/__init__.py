"""What a system is told of the command: manual pages and the completion of shells."""
