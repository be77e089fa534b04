using BenchmarkDotNet.Running;
using Tiebreak.Benchmarks;

return args switch
{
    ["models", var folder] => WholeModels.Run(folder, runs: 3),
    ["models", var folder, var runs] => WholeModels.Run(folder, int.Parse(runs)),
    ["certificates", var folder] => Certificates.Run(folder),
    ["table", var folder] => LargeTable.Run(folder, 10_000_000),
    ["table", var folder, var rows] => LargeTable.Run(folder, int.Parse(rows)),
    _ => Micro(args),
};

static int Micro(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(WholeModels).Assembly).Run(args);
    return 0;
}
