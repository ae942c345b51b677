"""The commands. Importing a module adds its commands to the app."""
