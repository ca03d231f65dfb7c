"""The deployed application: its routes and its jobs."""

from chalicelib.routes.application import Application

app = Application("linkledger")
