using Tiebreak.Cli;
using Tiebreak.Tests.Findings;
using Xunit;

namespace Tiebreak.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("tiebreak-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    sealed record Outcome(int Exit, string Output, string Error);

    static Outcome Run(Func<string, CheckOptions, CheckResult> check, params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exit = CommandLine.Run(args, new Surroundings { Output = output, Error = error, Check = check });
        return new Outcome(exit, output.ToString(), error.ToString());
    }

    static Outcome Run(params string[] args) => Run((_, _) => HandMade.ConstantMlp().Check(), args);

    [Theory]
    [InlineData("no command given; the commands are `check`, `why`, `fix`, `reduce`, `verify`, `train`, `show`, `explain`, `rules` (`tiebreak check MODEL` is the main one)")]
    [InlineData("there is no command `chek`; did you mean `check`?", "chek", "m.onnx")]
    [InlineData("no MODEL given; try `tiebreak check FILE`", "check")]
    [InlineData("there is no option `--bad`; `tiebreak check --help` lists all", "check", "--bad")]
    [InlineData("there is no option `--bad`; `tiebreak check --help` lists all", "check", "m.onnx", "--bad", "3")]
    [InlineData("`--map` names columns of a table; give one with `--data FILE`", "check", "m.onnx", "--map", "x=a")]
    [InlineData("`--map` takes LEAF=COLUMN,COLUMN,…, not `x=`", "check", "m.onnx", "--data", "t.csv", "--map", "x=")]
    [InlineData("`--map` gives columns for `x` twice; give them all at once", "check", "m.onnx", "--data", "t.csv", "--map", "x=a", "--map", "x=b")]
    [InlineData("`--pattern` compares a table with any data; give one with `--data FILE`", "check", "m.onnx", "--pattern")]
    [InlineData("`--output t.csv` would overwrite what is read; name another file", "check", "m.onnx", "--data", "t.csv", "--output", "t.csv")]
    [InlineData("`--input-range` takes the least and the largest number, for instance 0,1, not `1`", "check", "m.onnx", "--input-range", "1")]
    [InlineData("`--input-range` takes the least and the largest number, for instance 0,1, not `1,0`", "check", "m.onnx", "--input-range", "1,0")]
    [InlineData("`--input-range` is for any data, and `--data` says which; leave one out", "check", "m.onnx", "--input-range", "0,1", "--data", "t.csv")]
    [InlineData("`--optimizer adm` is not known; did you mean `adam`?", "check", "m.onnx", "--optimizer", "adm")]
    [InlineData("`--weight-decay` takes a number from 0 to 1000, for instance 0.01, not `-1`", "check", "m.onnx", "--weight-decay", "-1")]
    [InlineData("there is no option `--formt`; did you mean `--format`?", "check", "m.onnx", "--formt=json")]
    [InlineData("there is no option `--bad`; `tiebreak check --help` lists all", "check", "m.onnx", "--freeze", "--bad")]
    [InlineData("one MODEL at a time: do not know what to do with `n.onnx`; see `tiebreak check --help`", "check", "m.onnx", "n.onnx")]
    [InlineData("`--seed` needs a value; see `tiebreak check --help`", "check", "m.onnx", "--seed")]
    [InlineData("`--seed` may be given once, with one value", "check", "m.onnx", "--seed", "1", "--seed", "2")]
    [InlineData("`--seed` takes a whole number from 0 to 18446744073709551615, not `-1`", "check", "m.onnx", "--seed", "-1")]
    [InlineData("`--batch` takes a whole number from 1 to 1048576, not `0`", "check", "m.onnx", "--batch", "0")]
    [InlineData("`--loss` is one of any, mse, cross-entropy, outputs, not `mae`", "check", "m.onnx", "--loss", "mae")]
    [InlineData("`--format` is one of text, json, not `xml`", "check", "m.onnx", "--format", "xml")]
    [InlineData("`--dim` takes NAME=SIZE, not `batch`", "check", "m.onnx", "--dim", "batch")]
    [InlineData("`--dim batch` takes a whole number from 1 to 1048576, not `x`", "check", "m.onnx", "--dim", "batch=x")]
    [InlineData("`--dim` gives `n` two sizes, 3 and 4", "check", "m.onnx", "--dim", "n=3", "--dim", "n=4")]
    [InlineData("`--error-bound` takes a chance from 1e-100 to 0.1, for instance 1e-18, not `2`", "check", "m.onnx", "--error-bound", "2")]
    [InlineData("`--quiet` and `--verbose` exclude each other; leave one out", "check", "m.onnx", "--quiet", "--verbose")]
    [InlineData("there is no rule `lockstep`; the rules are TB001, TB002, TB003, TB004, TB005, TB006, TB007, TB008, TB009, TB010, TB011, TB012", "check", "m.onnx", "--select", "lockstep")]
    [InlineData("there is no rule `late-stat`; did you mean `late-start`?", "check", "m.onnx", "--ignore", "TB001,late-stat")]
    [InlineData("`--output m.onnx` would overwrite what is read; name another file", "check", "m.onnx", "--output", "m.onnx")]
    [InlineData("cannot write `/no/such/folder/x`: there is no folder `/no/such/folder`; make it first", "check", "m.onnx", "--partition", "/no/such/folder/x")]
    [InlineData("`--output` and `--partition` name the same file; give them two", "check", "m.onnx", "--partition", "x", "--output", "x")]
    [InlineData("nothing to show; say which stage: `--program`", "show", "m.onnx")]
    public void Bad_usage_is_one_line_and_exit_code_2(string message, params string[] args) =>
        Assert.Equal(new Outcome(2, "", $"error: {message}{Environment.NewLine}"), Run(args));

    [Fact]
    public void The_words_of_the_command_line_become_options()
    {
        CheckOptions? seen = null;
        Run(
            (_, options) =>
            {
                seen = options;
                return HandMade.ConstantMlp().Check();
            },
            "check", "m.onnx", "--loss", "outputs", "--freeze", "a*", "--freeze", "b", "--trainable", "c", "--dim", "n=3", "--dim", "a=b=4", "--outputs", "y", "--also-output", "z", "--opaque", "Foo",
            "--dropout", "off", "--batch-norm", "inference", "--batch", "5", "--witness", "--seed", "18446744073709551615", "--error-bound", "1e-30");
        Assert.NotNull(seen);
        Assert.Equal(LossKind.Outputs, seen.Loss);
        Assert.Equal(["a*", "b"], seen.Freeze);
        Assert.Equal(["c"], seen.Trainable);
        Assert.Equal((3, 4), (seen.Dims["n"], seen.Dims["a=b"]));
        Assert.Equal(["y"], seen.Outputs);
        Assert.Equal(["z"], seen.AlsoOutputs);
        Assert.Equal(["Foo"], seen.Opaque);
        Assert.Equal((false, false, 5, ulong.MaxValue, 1e-30), (seen.Dropout, seen.BatchNormTraining, seen.Batch, seen.Seed, seen.ErrorBound));
        Assert.True(seen.Witness);
        Assert.Null(seen.Progress);
    }

    [Fact]
    public void The_exit_code_follows_fail_on_and_the_rules_chosen()
    {
        Assert.Equal(1, Run("check", "m.onnx").Exit);
        Assert.Equal(0, Run("check", "m.onnx", "--fail-on", "never").Exit);
        Assert.Equal(0, Run("check", "m.onnx", "--select", "equal-but-free").Exit);
        Assert.Equal(1, Run("check", "m.onnx", "--select", "TB012", "--fail-on", "note").Exit);
        Assert.Equal(0, Run("check", "m.onnx", "--ignore", "lockstep-units").Exit);
        Assert.DoesNotContain("TB001", Run("check", "m.onnx", "--ignore", "TB001").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_after_two_dashes_is_a_model_whatever_it_looks_like()
    {
        string? seen = null;
        Run(
            (path, _) =>
            {
                seen = path;
                return HandMade.ConstantMlp().Check();
            },
            "check", "--", "--model.onnx");
        Assert.Equal("--model.onnx", seen);
    }

    [Fact]
    public void Version_and_help_are_no_errors()
    {
        Assert.Equal(new Outcome(0, $"tiebreak {CommandLine.Version}{Environment.NewLine}", ""), Run("--version"));
        var help = Run("check", "--help");
        Assert.Equal(0, help.Exit);
        Assert.Contains("tiebreak check model.onnx --format json", help.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_written_whole_and_replace_older_ones()
    {
        var (report, partition) = (Path.Combine(_folder, "report.json"), Path.Combine(_folder, "partition.json"));
        File.WriteAllText(report, "old");
        var outcome = Run("check", "m.onnx", "--format", "json", "--output", report, "--partition", partition);
        Assert.Equal(new Outcome(1, "", ""), outcome);
        Assert.StartsWith("{\n  \"schema\": 1,", File.ReadAllText(report), StringComparison.Ordinal);
        Assert.Contains("\"firstStep\"", File.ReadAllText(partition), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFileSystemEntries(_folder).Length);
    }

    [Fact]
    public void A_device_is_written_to_and_not_replaced()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("needs /dev/null");
        Assert.Equal(new Outcome(1, "", ""), Run("check", "m.onnx", "--output", "/dev/null"));
        Assert.Equal("", File.ReadAllText("/dev/null"));
    }

    [Fact]
    public void A_link_is_written_through_and_not_replaced()
    {
        var (file, link) = (Path.Combine(_folder, "file"), Path.Combine(_folder, "link"));
        File.WriteAllText(file, "old");
        File.CreateSymbolicLink(link, file);
        Run("check", "m.onnx", "--output", link, "--quiet");
        Assert.StartsWith("10 degrees", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.NotNull(new FileInfo(link).LinkTarget);
    }

    [Fact]
    public void Help_lists_every_option() => Golden.Matches("check-help.txt", string.Join('\n', Run("check", "--help").Output.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd())));

    [Fact]
    public void Nothing_is_written_when_the_partition_is_refused()
    {
        var (report, partition) = (Path.Combine(_folder, "report.json"), Path.Combine(_folder, "partition.json"));
        var outcome = Run(
            (_, _) =>
            {
                var result = HandMade.ConstantMlp().Check();
                return result with { Counts = result.Counts! with { Parameters = 20_000_000 } };
            },
            "check", "m.onnx", "--output", report, "--partition", partition);
        Assert.Equal((2, ""), (outcome.Exit, outcome.Output));
        Assert.StartsWith("error: `--partition` writes one entry a parameter and 20,000,000 are too many", outcome.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void An_error_of_the_library_is_one_line_and_its_details_follow()
    {
        var outcome = Run((_, _) => throw new TiebreakException("m.tb:1:8: unknown name `x`\ndeclare it") { Details = "loss a*x\n       ^" }, "check", "m.tb");
        Assert.Equal(2, outcome.Exit);
        Assert.Equal("error: m.tb:1:8: unknown name `x` declare it\nloss a*x\n       ^\n", outcome.Error.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void A_stack_trace_is_printed_only_when_asked_for()
    {
        static CheckResult Broken(string path, CheckOptions options) => throw new InvalidOperationException("broken");
        var outcome = Run(Broken, "check", "m.onnx");
        Assert.Equal(new Outcome(2, "", $"error: internal error: broken; run again with --verbose for details{Environment.NewLine}"), outcome);
        Assert.Contains("   at ", Run(Broken, "check", "m.onnx", "--verbose").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interrupted_run_says_nothing_and_exits_with_130()
    {
        using StringWriter output = new(), error = new();
        using var interrupt = new CancellationTokenSource();
        var exit = CommandLine.Run(
            ["check", "m.onnx", "--output", Path.Combine(_folder, "report.txt")],
            new Surroundings
            {
                Output = output,
                Error = error,
                Interrupted = interrupt.Token,
                Check = (_, options) =>
                {
                    interrupt.Cancel();
                    options.Cancellation.ThrowIfCancellationRequested();
                    return HandMade.ConstantMlp().Check();
                },
            });
        Assert.Equal((130, "", ""), (exit, output.ToString(), error.ToString()));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Equal_results_give_equal_bytes() => Assert.Equal(Run("check", "m.onnx", "--format", "json"), Run("check", "m.onnx", "--format", "json"));
}
