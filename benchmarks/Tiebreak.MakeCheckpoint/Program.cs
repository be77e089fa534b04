using System.Diagnostics;
using Tiebreak;
using Tiebreak.MakeCheckpoint;

if (args.Length == 0 || args[0] is "-h" or "--help")
{
    Console.Out.Write(MakeOptions.Help);
    return args.Length == 0 ? 2 : 0;
}

try
{
    var options = MakeOptions.Parse(args);
    var watch = Stopwatch.StartNew();
    var made = CheckpointMaker.Make(options);
    var seconds = watch.Elapsed.TotalSeconds;
    Console.Out.WriteLine(
        $"{options.Output}: {made.Architecture.Type}, {made.Parameters:N0} parameters, {made.Bytes:N0} bytes in {made.Shards} {(made.Shards == 1 ? "file" : "files")}, {made.Ties.Count} planted ties ({CheckpointMaker.PlantedName}); {seconds:N1} s, {made.Bytes / 1e6 / seconds:N0} MB/s");
    return 0;
}
catch (Exception error) when (error is TiebreakException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"error: {error.Message}");
    return 2;
}
