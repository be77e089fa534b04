using Tiebreak.Cli;

using var surroundings = ProcessSurroundings.Open();
return CommandLine.Run(args, surroundings.Surroundings);
