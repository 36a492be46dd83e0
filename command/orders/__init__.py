"""What people want of signals: holds, the local plan, releases, and green waves that take two persons."""
