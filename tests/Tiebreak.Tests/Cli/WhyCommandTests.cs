using System.Text.Json.Nodes;
using System.Xml.Linq;
using Tiebreak.Cli;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary><c>tiebreak why</c> as a person, a script and a picture see it.</summary>
public sealed class WhyCommandTests
{
    const string Model = "param W[4,3] = 0.1\nparam v[4] = 0.1\nparam a = 0\nparam b = 0\nparam left[2] = [0.5, 0.5]\ndata x[3], y\nloss (y - v @ tanh(W @ x) - a*b*x[0] - left[0]*x[0] - left[1]*x[1])**2";

    [Fact]
    public void A_pair_in_lockstep_gets_numbered_steps_that_follow_from_each_other()
    {
        var (exit, output, error) = Run("why", "W[0,*]", "W[1,*]");
        Assert.Equal((0, ""), (exit, error));
        Assert.StartsWith("`W[0,*]` and `W[1,*]` are in lockstep", output, StringComparison.Ordinal);
        Assert.Contains("1.  `W[0,*]` = `W[1,*]` at the start", output, StringComparison.Ordinal);
        Assert.Contains("so (by 1) `(W @ x)[0]` = `(W @ x)[1]`", output, StringComparison.Ordinal);
        Assert.Contains("proved:", output, StringComparison.Ordinal);
        Assert.All(output.Split('\n'), line => Assert.InRange(line.Length, 0, 100));
    }

    [Fact]
    public void A_pair_apart_gets_the_source_and_a_training_run()
    {
        var json = JsonNode.Parse(Run("why", "left[0]", "left[1]", "--format", "json").Output)!;
        Assert.Equal("apart", (string?)json["verdict"]);
        Assert.Contains("`x[0]` and `x[1]` are different inputs", (string?)json["steps"]!.AsArray()[^1]!["text"], StringComparison.Ordinal);
        Assert.Equal(2, json["witness"]!["values"]!.AsArray().Count);
        Assert.NotEqual((double)json["witness"]!["values"]![0]!, (double)json["witness"]!["values"]![1]!);
        Assert.All(json["steps"]!.AsArray(), step => Assert.All(step!["links"]!.AsArray(), link => Assert.InRange((int)link!, 1, (int)step["number"]! - 1)));
    }

    [Theory]
    [InlineData("param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss a*x + 2*b*x + c*(b-2*a)*y", "never moves from 0 under gradient descent or momentum: a linear law holds it", "c")]
    [InlineData("param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss a*x + 2*b*x + c*(b-2*a)*y", "is the product of `x` and 2", "a", "b")]
    [InlineData("param E[4,2] = [[0.3,0.4],[0.3,0.4],[0.1,0.2],[0.3,0.4]]\nparam v[2] = normal(0,1,seed=4)\ndata x[2], y\nloss (y - v @ tanh(E[0]*x[0] + E[1]*x[0] + E[2]*x[1]))**2", "no output that the loss sees depends on `E[3,0]`", "E[3,0]")]
    [InlineData("param b = 1\nparam w[3] = [1,2,4]\ndata x[3], y\nlet h = w*x + b\nloss (y - h[0] + h[1])**2", "no output that the loss sees depends on `w[2]`", "w[2]")]
    [InlineData("param a = 1\nparam b = -1\ndata x, y\nloss (y - x*(a+b)*0 - tanh(a*x) - tanh(b*x))**2", "they start as each other's negative", "a", "b")]
    [InlineData("param a = 1\nparam b = -1\ndata x, y\nloss (y - x*(a+b)*0 - tanh(a*x) - tanh(b*x))**2", "both meet the same constant of the model", "a", "b")]
    [InlineData("param a[2] = [1, 0]\nparam b = 0\nparam s = 3\ndata x, y\nloss (y - a[0]*x - a[1]*b*x - 0*s)**2", "never move, whatever the data: they differ from the start, at 3 and 0", "s", "b")]
    [InlineData("param W[2] = 0.5\nparam v = 0.5\ndata x, y\nloss (y - v*relu(W[0]*x) - W[1]*x)**2", "(seed 0; data of the style", "W[0]", "W[1]")]
    public void What_is_said_is_so(string model, string said, params string[] parameters)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), model);
        var (output, error) = (new StringWriter(), new StringWriter());
        Assert.Equal((0, ""), (CommandLine.Run(["why", folder.File("model.tb"), .. parameters], output, error), error.ToString()));
        Assert.Contains(said, string.Join(' ', output.ToString().Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public void Each_side_of_a_difference_is_named_by_what_makes_it()
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        CommandLine.Run(["why", Repository.FromShared("cases", "constant-mlp-relu.onnx"), "fc1.weight[0,1]", "fc2.weight[1,3]"], output, error);
        Assert.Contains("as `x[0,0]` is an input, and `Relu_1[0,0]` is the result of a Relu", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_law_is_not_contradicted_by_the_findings()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param a = 0\nparam b = 0\nparam c = 0\ndata x, y\nloss a*x + 2*b*x + c*(b-2*a)*y");
        foreach (var option in new[] { "--laws", "--witness" })
        {
            var (output, error) = (new StringWriter(), new StringWriter());
            CommandLine.Run(["check", folder.File("model.tb"), option], output, error);
            Assert.DoesNotContain("TB008", output.ToString(), StringComparison.Ordinal);
            Assert.Contains("1 parameter of `c` (its only number) never moves", output.ToString(), StringComparison.Ordinal);
            Assert.Matches("c +\\[\\] +1 +0 +0 +never", output.ToString());
        }
    }

    [Theory]
    [InlineData("lockstep", "W[0,*]", "W[1,*]")]
    [InlineData("apart", "left[0]", "left[1]")]
    [InlineData("stuck", "a")]
    [InlineData("moves", "W[0,0]")]
    public void The_picture_is_well_formed_and_has_a_box_a_step(string verdict, params string[] parameters)
    {
        var json = JsonNode.Parse(Run(["why", .. parameters, "--format", "json"]).Output)!;
        Assert.Equal(verdict, (string?)json["verdict"]);
        XNamespace svg = "http://www.w3.org/2000/svg";
        var picture = XDocument.Parse(Run(["why", .. parameters, "--format", "svg"]).Output);
        Assert.Equal(json["steps"]!.AsArray().Count + 1, picture.Descendants(svg + "rect").Count(box => box.Attribute("rx") is not null)); // and the verdict
        var width = (double)picture.Root!.Attribute("width")!;
        Assert.All(picture.Descendants(svg + "rect").Where(box => box.Attribute("rx") is not null), box => Assert.InRange((double)box.Attribute("x")! + (double)box.Attribute("width")!, 0, width));
    }

    [Theory]
    [InlineData("the model has no parameter `Q`", "Q[0]")]
    [InlineData("has 1 index, and `W` of shape [4,3] has 2 axes", "W[0]")]
    [InlineData("`9` in `W[9,0]` is no index of axis 0", "W[9,0]")]
    [InlineData("`-1` in `W[-1,0]` is no index", "W[-1,0]")]
    [InlineData("has 3 numbers and `v[*]` has 4", "W[0,*]", "v[*]")]
    [InlineData("are the same; name two", "a", "a")]
    [InlineData("too many arguments after MODEL", "a", "b", "v[0]")]
    public void Bad_parameters_are_one_line_and_exit_code_2(string reason, params string[] parameters)
    {
        var (exit, output, error) = Run(["why", .. parameters]);
        Assert.Equal((2, ""), (exit, output));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void The_report_goes_to_a_file_but_never_over_the_model()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        var (output, error) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, CommandLine.Run(["why", folder.File("model.tb"), "a", "--format", "svg", "--output", folder.File("why.svg")], output, error));
        Assert.StartsWith("<svg", File.ReadAllText(folder.File("why.svg")), StringComparison.Ordinal);
        Assert.Equal(2, CommandLine.Run(["why", folder.File("model.tb"), "a", "--output", folder.File("model.tb")], output, error));
        Assert.Equal(Model, File.ReadAllText(folder.File("model.tb")));
    }

    [Theory]
    [InlineData("1,1\n2,2\n3,3", "lockstep", "in every sample")]
    [InlineData("1,1\n2,2\n3,4", "apart", "different inputs")]
    public void Given_data_the_reason_is_theirs(string rows, string verdict, string reason)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), "param a = 0\nparam b = 0\ndata x0, x1\nloss a*x0 + b*x1");
        File.WriteAllText(folder.File("rows.csv"), $"x0,x1\n{rows}\n");
        var (output, error) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, CommandLine.Run(["why", folder.File("model.tb"), "a", "b", "--data", folder.File("rows.csv"), "--format", "json"], output, error));
        var json = JsonNode.Parse(output.ToString())!;
        Assert.Equal(verdict, (string?)json["verdict"]);
        Assert.Contains(reason, string.Join(' ', json["steps"]!.AsArray().Select(step => (string?)step!["text"])), StringComparison.Ordinal);
    }

    static (int Exit, string Output, string Error) Run(string command, params string[] rest)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("model.tb"), Model);
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = CommandLine.Run([command, folder.File("model.tb"), .. rest], output, error);
        return (exit, output.ToString(), error.ToString());
    }

    static (int Exit, string Output, string Error) Run(string[] args) => Run(args[0], args[1..]);
}
