using System.Text.Json.Nodes;
using Tiebreak.Cli;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary><c>tiebreak reduce</c> as a person and a script see it.</summary>
public sealed class ReduceCommandTests
{
    const string Tied = "param W[4,3] = 0.1\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2\n";

    [Fact]
    public void Scripts_are_told_the_tool_the_seed_and_what_is_assumed()
    {
        var json = JsonNode.Parse(Run(Tied, "--format", "json", "--seed", "5", "--freeze", "v"))!;
        Assert.Equal(("tiebreak", CommandLine.Version, 5), ((string)json["tool"]!["name"]!, (string)json["tool"]!["version"]!, (int)json["seed"]!));
        var assumptions = json["assumptions"]!;
        Assert.Equal(("outputs", "any", "sgd", 0, "training", "none", 5), ((string)assumptions["loss"]!, (string)assumptions["data"]!, (string)assumptions["optimizer"]!, (int)assumptions["weightDecay"]!, (string)assumptions["batchNorm"]!, (string)assumptions["dropout"]!, (int)assumptions["seed"]!));
        Assert.Equal(["v"], assumptions["frozen"]!.AsArray().Select(name => (string)name!));

        var inference = JsonNode.Parse(Run(Tied, "--format", "json", "--for", "inference"))!["assumptions"]!;
        Assert.Equal((null, null, null, "inference", "off"), ((string?)inference["loss"], (string?)inference["optimizer"], (double?)inference["weightDecay"], (string)inference["batchNorm"]!, (string)inference["dropout"]!));
    }

    [Fact]
    public void All_learning_rates_are_texts_of_exact_fractions()
    {
        var rates = JsonNode.Parse(Run("param W[4,3] = 0.1\nparam v[4] = 0.1\nparam U[3,3] = [[1,2,3],[1,2,3],[5,6,7]]\nparam u[3] = [1,1,3]\ndata x[3], y\nloss (y - v @ tanh(W @ x) - u @ tanh(U @ x))**2\n", "--format", "json"))!["learningRates"]!;
        Assert.Equal(("1/4", "4"), ((string)rates["W"]!, (string)rates["v"]!));
        Assert.All(Leaves(rates["U"]!).Concat(Leaves(rates["u"]!)), factor => Assert.Matches("^[0-9]+(/[0-9]+)?$", factor.GetValue<string>()));

        static IEnumerable<JsonValue> Leaves(JsonNode node) => node switch { JsonValue value => [value], JsonArray array => array.SelectMany(Leaves!), _ => node.AsObject().SelectMany(entry => Leaves(entry.Value!)) };
    }

    [Theory]
    [InlineData("param w = 1\ndata x\nloss w*x\n", "nothing to merge: 1 parameter stays ", "1 to 1 parameter,")]
    [InlineData("param w = 1\nparam b = 1\ndata x\nloss w*x + b\n", "nothing to merge: 2 parameters stay ", "2 to 2 parameters,")]
    [InlineData("param W[2,1] = 1\nparam v[2] = 1\ndata x[1]\nloss v @ tanh(W @ x)\n", "4 parameters became 2", "with these factors on the learning rate")]
    public void One_is_no_plural(string formula, params string[] parts)
    {
        var words = Words(Run(formula));
        Assert.All(parts, part => Assert.Contains(part, words, StringComparison.Ordinal));
        Assert.DoesNotContain(" 1 parameters", words, StringComparison.Ordinal);
        Assert.DoesNotContain(" 1 multiplications", words, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Tied, "16 frozen numbers became 4; nothing is trainable ")]
    [InlineData("param w = 1\ndata x\nloss w*x\n", "nothing to merge: 1 frozen number stays; nothing is trainable ")]
    public void What_is_frozen_is_counted_where_nothing_is_trainable(string formula, string verdict) =>
        Assert.StartsWith(verdict, Words(Run(formula, "--freeze", "*")), StringComparison.Ordinal);

    static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    static string Run(string formula, params string[] options)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), formula);
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        Assert.Equal(0, CommandLine.Run(["reduce", folder.File("m.tb"), "-o", folder.File("n.tb"), .. options], output, error));
        Assert.Equal("", error.ToString());
        return output.ToString();
    }
}
