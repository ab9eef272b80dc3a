"""python -m flows.commands: the command line."""

from flows.commands.entry import main

if __name__ == "__main__":
    main()
