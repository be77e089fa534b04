using System.Text.Json;
using Tiebreak.Cli;
using Tiebreak.Tests.House;
using Tiebreak.Training;
using Xunit;

namespace Tiebreak.Tests.Training;

/// <summary><c>tiebreak train</c> as a user meets it, on the samples of the repository.</summary>
public sealed class TrainCommandTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    const string IrisColumns = "x=sepal length,sepal width,petal length,petal width";

    static (int Exit, string Output, string Error) Run(params string[] args) => Run(CancellationToken.None, args);

    static (int Exit, string Output, string Error) Run(CancellationToken interrupted, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exit = CommandLine.Run(args, new Surroundings { Output = output, Error = error, Interrupted = interrupted, TrainCommand = around => new TrainCommand(around).Command });
        return (exit, output.ToString(), error.ToString());
    }

    static JsonElement Train(string sample, string data, params string[] more)
    {
        var (exit, output, error) = Run(["train", Repository.File("samples", sample), "--data", data, "--format", "json", .. more]);
        Assert.True(exit == 0, $"exit {exit}: {error}{output}");
        return JsonDocument.Parse(output).RootElement;
    }

    static JsonElement Iris(string sample, params string[] more) => Train(sample, Repository.File("samples", "iris.csv"), ["--map", IrisColumns, "--steps", "500", .. more]);

    [Fact]
    public void Iris_from_a_constant_start_stays_exactly_in_lockstep_for_500_steps_in_the_field()
    {
        var run = Iris("iris-constant-square.tb", "--exact");
        Assert.Equal(11, run.GetProperty("degreesOfFreedom").GetInt32());
        Assert.Equal(500, run.GetProperty("steps").GetInt32());
        Assert.Equal(0, run.GetProperty("largestSpread").GetDouble());
        Assert.False(run.GetProperty("contradicts").GetBoolean());
        Assert.Equal(8, run.GetProperty("classes").EnumerateArray().Count(entry => entry.GetProperty("members").GetInt32() == 6));
    }

    [Fact]
    public void Iris_with_tanh_stays_in_lockstep_up_to_rounding_and_learns_no_more_than_one_unit_can()
    {
        var constant = Iris("iris-constant.tb", "--rate", "0.05");
        var random = Iris("iris-random.tb", "--rate", "0.05");
        Assert.InRange(constant.GetProperty("largestSpread").GetDouble(), 0, 1e-12);
        Assert.Equal(51, random.GetProperty("degreesOfFreedom").GetInt32());

        // The collapsed network: one unit whose outgoing weights are the sums, which has at least as far to go.
        var text = File.ReadAllText(Repository.File("samples", "iris-constant.tb")).Replace("W[6,4] = 0.1", "W[1,4] = 0.1").Replace("b[6]", "b[1]").Replace("V[3,6] = 0.1", "V[3,1] = 0.6");
        File.WriteAllText(_folder.File("one.tb"), text);
        var one = JsonDocument.Parse(Run("train", _folder.File("one.tb"), "--data", Repository.File("samples", "iris.csv"), "--map", IrisColumns, "--steps", "20000", "--rate", "0.1", "--format", "json").Output).RootElement;
        static double Loss(JsonElement run) => run.GetProperty("lastLoss").GetDouble();
        Assert.True(Loss(constant) >= Loss(one), $"{Loss(constant)} after 500 steps, and one unit reaches {Loss(one)}");
        Assert.True(Loss(random) < 0.5 * Loss(constant), $"{Loss(random)} from a random start, {Loss(constant)} from a constant one");
    }

    [Theory]
    [InlineData("--exact")]
    [InlineData("--dtype=float64")]
    [InlineData("--dtype=float32")]
    public void A_row_seen_first_at_step_6_separates_at_step_6(string numbers)
    {
        var run = Train("linear-free.tb", Repository.File("samples", "equal-but-last.csv"), "--order", "file", "--batch-rows", "1", "--steps", "6", numbers);
        Assert.All(run.GetProperty("classes").EnumerateArray(), entry => Assert.Equal(6, entry.GetProperty("separated").GetInt32()));
        var before = Train("linear-free.tb", Repository.File("samples", "equal-but-last.csv"), "--order", "file", "--batch-rows", "1", "--steps", "5", numbers);
        Assert.All(before.GetProperty("classes").EnumerateArray(), entry => Assert.Equal(0, entry.GetProperty("separated").GetInt32()));
    }

    [Theory]
    [InlineData("sgd")]
    [InlineData("momentum")]
    [InlineData("nesterov")]
    [InlineData("rmsprop")]
    [InlineData("adam")]
    [InlineData("adamw")]
    [InlineData("lion")]
    public void Every_optimiser_lowers_the_loss_and_keeps_what_is_in_lockstep(string optimizer)
    {
        var run = Iris("iris-constant.tb", "--optimizer", optimizer, "--rate", optimizer is "sgd" ? "0.05" : "0.01");
        Assert.True(run.GetProperty("lastLoss").GetDouble() < 0.5 * run.GetProperty("firstLoss").GetDouble());
        Assert.InRange(run.GetProperty("largestSpread").GetDouble(), 0, 1e-9);
    }

    [Fact]
    public void Batches_are_shuffled_by_seed_and_runs_can_be_repeated()
    {
        string[] args = ["train", Repository.File("samples", "iris-random.tb"), "--data", Repository.File("samples", "iris.csv"), "--map", IrisColumns, "--batch-rows", "16", "--steps", "30", "--csv"];
        Assert.Equal(0, Run([.. args, _folder.File("a.csv")]).Exit);
        Assert.Equal(0, Run([.. args, _folder.File("b.csv")]).Exit);
        Assert.Equal(0, Run([.. args, _folder.File("c.csv"), "--seed", "1"]).Exit);
        Assert.Equal(File.ReadAllText(_folder.File("a.csv")), File.ReadAllText(_folder.File("b.csv")));
        Assert.NotEqual(File.ReadAllText(_folder.File("a.csv")), File.ReadAllText(_folder.File("c.csv")));
        Assert.Equal(31, File.ReadAllLines(_folder.File("a.csv")).Length);
    }

    [Fact]
    public void Pictures_are_drawn_as_png_and_svg()
    {
        foreach (var (file, magic) in new[] { ("p.png", "\u0089PNG"), ("p.svg", "<?xml") })
        {
            Assert.Equal(0, Run("train", Repository.File("samples", "iris-constant.tb"), "--data", Repository.File("samples", "iris.csv"), "--map", IrisColumns, "--steps", "5", "--plot", _folder.File(file)).Exit);
            Assert.StartsWith(magic, System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(_folder.File(file))));
        }
    }

    [Fact]
    public void An_interrupted_run_keeps_what_is_done()
    {
        using var interrupt = new CancellationTokenSource();
        var progress = new Interrupter(interrupt, afterSteps: 20);
        var result = Trainer.Run(
            Repository.File("samples", "iris-constant.tb"),
            new CheckOptions { Data = Repository.File("samples", "iris.csv"), Map = new Dictionary<string, IReadOnlyList<string>> { ["x"] = ["sepal length", "sepal width", "petal length", "petal width"] } },
            new TrainingOptions { Steps = 1000, Progress = progress, Cancellation = interrupt.Token });
        Assert.True(result.IsInterrupted);
        Assert.Equal(20, result.Steps);
        Assert.Equal(20, result.Record.Steps.Count);
    }

    [Fact]
    public void A_long_run_is_recorded_evenly()
    {
        var result = Trainer.Run(
            Repository.File("samples", "linear-free.tb"), new CheckOptions { Data = Repository.File("samples", "equal-but-last.csv") }, new TrainingOptions { Steps = 50_001, Rate = new(1, 1_000_000) });
        int[] steps = [.. result.Record.Steps.Select(step => step.Step)];
        Assert.InRange(steps.Length, 10_000, 20_001);
        Assert.Equal((1, 50_001), (steps[0], steps[^1]));
        Assert.Single(steps[1..^1].Zip(steps[2..^1], (one, next) => next - one).Distinct());
    }

    sealed class Interrupter(CancellationTokenSource source, int afterSteps) : IProgress<CheckProgress>
    {
        public void Report(CheckProgress value)
        {
            if (value.Stage.StartsWith($"step {afterSteps} of", StringComparison.Ordinal)) source.Cancel();
        }
    }

    [Theory]
    [InlineData("training needs samples; name a table with --data FILE", "train", "samples/iris-constant.tb")]
    [InlineData("`--rate` takes a positive number, for instance 0.1 or 1/8, not `0`", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--rate", "0")]
    [InlineData("`--rate` takes a positive number, for instance 0.1 or 1/8, not `x`", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--rate", "x")]
    [InlineData("`--steps` takes a whole number from 1 to 10000000, not `0`", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--steps", "0")]
    [InlineData("`--exact` and `--dtype` exclude each other; leave one out", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--exact", "--dtype", "float32")]
    [InlineData("`--plot p.gif`: pictures are .png or .svg", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--plot", "p.gif")]
    [InlineData("`--optimizer lars` can be checked, but not trained; train knows sgd, momentum, nesterov, rmsprop, adam, adamw, lion", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--optimizer", "lars")]
    [InlineData("--exact knows sgd, momentum and nesterov; the others take roots or signs, which a field does not have", "train", "samples/iris-constant-square.tb", "--data", "samples/iris.csv", "--map", IrisColumns, "--exact", "--optimizer", "adam")]
    [InlineData("--exact needs a model of sums, products and quotients, and this one has tanh in line 8; use another activation, or train with --dtype float64", "train", "samples/iris-constant.tb", "--data", "samples/iris.csv", "--map", IrisColumns, "--exact")]
    public void Bad_usage_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        var (exit, output, error) = Run([.. args.Select(arg => arg.StartsWith("samples/", StringComparison.Ordinal) ? Repository.File(arg.Split('/')) : arg)]);
        Assert.Equal($"error: {message}\n", error.ReplaceLineEndings("\n"));
        Assert.Equal("", output);
        Assert.Equal(2, exit);
    }
}
