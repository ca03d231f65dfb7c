"""What turns the source into a deployed stage; none of it is in the deployed zip."""
