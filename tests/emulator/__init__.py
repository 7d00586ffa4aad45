"""The emulator, seen from outside: tables of requests and the answers they get over a real socket."""
