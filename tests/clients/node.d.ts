// What calls.mjs uses of Node itself, whose own types are a package apart.
declare const process: { argv: string[] };
