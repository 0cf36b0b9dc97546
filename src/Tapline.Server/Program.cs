// The one executable: verbs are parsed here and nothing else happens in this file.
using Tapline.Base.Native;
using Tapline.Server.Commands;

SupervisorTie.TieFromEnvironment();
return await CommandLineRun.RunAsync(RootVerb.Build(), args);
