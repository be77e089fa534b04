using Tiebreak.Cli;
using Tiebreak.Training;

using var surroundings = ProcessSurroundings.Open();
return CommandLine.Run(args, surroundings.Surroundings with { TrainCommand = around => new TrainCommand(around).Command });
