using BenchmarkDotNet.Running;
using Tiebreak.Benchmarks;

return args switch
{
    ["models", var folder] => WholeModels.Run(folder, runs: 3),
    ["models", var folder, var runs] => WholeModels.Run(folder, int.Parse(runs)),
    _ => Micro(args),
};

static int Micro(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(WholeModels).Assembly).Run(args);
    return 0;
}
