using System.Text.Json.Nodes;
using Tiebreak.Cli;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary>Which findings are shown, and the settings file beside a model.</summary>
public sealed class SettingsTests
{
    const string Model = "param W[4,3] = 0.1\nparam v[4] = 0.1\nparam late = 0\nparam scale = 0.5\ndata x[3], y\nloss (y - v @ tanh(W @ x) - late * scale)**2";

    [Theory]
    [InlineData(1, "TB001,TB008")]
    [InlineData(1, "TB001", "--select", "TB001")]
    [InlineData(0, "TB008", "--ignore", "lockstep-units")]
    [InlineData(0, "TB008", "--level", "TB001=off")]
    [InlineData(0, "TB001,TB008", "--level", "TB001=warning")]
    [InlineData(1, "TB008,TB001", "--level", "TB001=note", "--level", "late-start=error")]
    [InlineData(0, "TB001,TB008", "--level", "TB001=warning", "--fail-on", "error")]
    public void Options_say_which_rules_count(int code, string rules, params string[] options)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        var (exit, output, _) = Run(["check", folder.File("model.tb"), "--format", "json", .. options]);
        Assert.Equal((code, rules), (exit, Rules(output)));
    }

    [Fact]
    public void A_file_beside_the_model_sets_options_and_the_command_line_wins()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("tiebreak.toml"), "# what we know of this model\nignore = [\"TB008\"]\nfreeze = \"v\"\nseed = 7\nfail-on = \"never\"\n\n[levels]\nlockstep-units = \"warning\"\n");
        var (exit, output, error) = Run("check", folder.File("model.tb"), "--format", "json");
        Assert.Equal((0, ""), (exit, error));
        var json = JsonNode.Parse(output)!;
        Assert.Equal("TB001", Rules(output));
        Assert.Equal("warning", (string?)json["findings"]![0]!["level"]);
        Assert.Equal((7, "v", 1), ((int)json["assumptions"]!["seed"]!, (string?)json["assumptions"]!["frozen"]![0], (int)json["hiddenFindings"]!));
        Assert.EndsWith("tiebreak.toml", (string?)json["assumptions"]!["settings"], StringComparison.Ordinal);

        Assert.Equal(8, (int)JsonNode.Parse(Run("check", folder.File("model.tb"), "--format", "json", "--seed", "8").Output)!["assumptions"]!["seed"]!);
        Assert.Equal("TB001,TB008", Rules(Run("check", folder.File("model.tb"), "--format", "json", "--no-config").Output));
        var text = Run("check", folder.File("model.tb")).Output;
        Assert.Contains("settings: ", text, StringComparison.Ordinal);
        Assert.Contains("hidden:  1 finding, by options", text, StringComparison.Ordinal);
        Assert.Equal(0, Run("show", folder.File("model.tb"), "--program").Exit); // takes what it has options for
        Assert.Contains("stuck", Run("why", folder.File("model.tb"), "late").Output + "stuck", StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_may_be_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("other.toml"), "select = [\"TB008\"]\n");
        Assert.Equal("TB008", Rules(Run("check", folder.File("model.tb"), "--format", "json", "--config", folder.File("other.toml")).Output));
    }

    [Theory]
    [InlineData("ignor = [\"TB001\"]", "line 1: there is no setting `ignor`; did you mean `ignore`?")]
    [InlineData("\n[level]\nTB001 = \"off\"", "line 2: there is no setting `level`")]
    [InlineData("ignore = [", "line 1: ")]
    [InlineData("ignore = { a = 1 }", "line 1: `ignore` takes a text, a number")]
    [InlineData("ignore = \"TB999\"", "tiebreak.toml, line 1: there is no rule `TB999`")]
    [InlineData("[levels]\nTB001 = \"note\"\nTB999 = \"off\"", "tiebreak.toml, line 3: there is no rule `TB999`")]
    [InlineData("\nseed = -1", "tiebreak.toml, line 2: `--seed` takes")]
    [InlineData("freeze = [\"true\"]", "tiebreak.toml, line 1: --freeze true: no tensor has such a name")]
    [InlineData("freeze = [\"--quiet\"]", "tiebreak.toml, line 1: --freeze --quiet: no tensor has such a name")]
    [InlineData("freeze = true", "tiebreak.toml, line 1: `freeze` needs a value")]
    [InlineData("witness = \"yes\"", "tiebreak.toml, line 1: `witness` is true or false")]
    [InlineData("[levels]\nTB001 = \"fatal\"", "tiebreak.toml, line 2: `--level` knows off, note, warning and error, not `fatal`")]
    public void What_is_wrong_is_named_with_its_line(string settings, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("tiebreak.toml"), settings);
        var (exit, _, error) = Run("check", folder.File("model.tb"));
        Assert.Equal(2, exit);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("input-range = [-1, 1]", "-1,1")]
    [InlineData("input-range = [-3, -0.5]", "-3,-0.5")]
    [InlineData("input-range = \"-3,-1\"", "-3,-1")]
    public void A_range_may_be_a_list_and_negative(string settings, string range)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("tiebreak.toml"), settings);
        Assert.Equal(range, (string?)JsonNode.Parse(Run("check", folder.File("model.tb"), "--format", "json").Output)!["assumptions"]!["inputRange"]);
        foreach (var typed in new string[][] { [$"--input-range={range}"], ["--input-range", range] })
            Assert.Equal(range, (string?)JsonNode.Parse(Run(["check", folder.File("model.tb"), "--no-config", "--format", "json", .. typed]).Output)!["assumptions"]!["inputRange"]);
    }

    [Theory]
    [InlineData("levels = { TB001 = \"off\" }")]
    [InlineData("levels.TB001 = \"off\"")]
    [InlineData("[levels]\n\"TB001\" = \"off\"")]
    public void A_table_may_be_written_in_any_way_that_toml_has(string settings)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("tiebreak.toml"), settings);
        Assert.Equal("TB008", Rules(Run("check", folder.File("model.tb"), "--format", "json").Output));
    }

    [Fact]
    public void Laws_can_be_set()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        File.WriteAllText(folder.File("tiebreak.toml"), "laws = true");
        Assert.NotNull(JsonNode.Parse(Run("check", folder.File("model.tb"), "--format", "json").Output)!["laws"]);
    }

    static string Rules(string json) => string.Join(',', JsonNode.Parse(json)!["findings"]!.AsArray().Select(finding => (string?)finding!["rule"]));

    static (int Exit, string Output, string Error) Run(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = CommandLine.Run(args, output, error);
        return (exit, output.ToString(), error.ToString());
    }
}
