"""The deployed application: its routes and its jobs."""

from chalicelib.routes import coupons, keys, openapi, partners, programs
from chalicelib.routes.application import Application

app = Application("linkledger")

for blueprint in (programs.bp, partners.bp, coupons.bp, keys.bp, openapi.bp):
    app.register_blueprint(blueprint)
