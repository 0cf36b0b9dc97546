// `tapline query` as a native program: the launcher hands it the command line that begins with that word. It takes the same words as
// the general program, prints the same, and leaves with the same exit codes. See Tapline.Query.csproj for what it is made of.
using System.CommandLine;
using Tapline.Server.Commands;

var root = new RootCommand("Tapline: search a recording.");
root.Subcommands.Add(QueryVerb.Build());
return await CommandLineRun.RunAsync(root, args);
