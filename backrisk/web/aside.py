"""What runs in a process that computes slow questions: ``python -m backrisk.web.aside``."""

from backrisk.web.worker import main

if __name__ == "__main__":
    main()
