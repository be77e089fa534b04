using System.Runtime.CompilerServices;
using Tiebreak.Formats;
using Tiebreak.Programs;
using Xunit;

namespace Tiebreak.Tests.Formats.Formulas;

public sealed class SampleTests
{
    static string Folder([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../../samples"));

    public static TheoryData<string> Samples => [.. Directory.GetFiles(Folder(), "*.tb").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_is_a_well_formed_loss_that_says_what_it_shows(string name)
    {
        var path = Path.Combine(Folder(), name + ".tb");
        Assert.StartsWith("# ", File.ReadAllText(path), StringComparison.Ordinal);
        using var file = ModelFile.Open(path);
        Assert.Equal("formula", file.Format);
        Assert.Empty(file.FreeDims);
        var model = file.Lower(new LoweringOptions());
        ProgramGrammar.Check(model.Program);
        Assert.True(model.OutputIsLoss);
        var (output, node) = Assert.Single(model.Program.Outputs);
        Assert.Equal("loss", output);
        Assert.Equal(Shape.Scalar, node.Shape);
        Assert.NotEmpty(model.Parameters);
    }

    [Fact]
    public void Layers_are_told_by_how_they_are_used()
    {
        var model = Formula.Lower(File.ReadAllText(Path.Combine(Folder(), "zero-mlp.tb")));
        Assert.Equal(["W", "b", "v", "c"], model.Parameters.Select(tensor => tensor.Name));
        Assert.Equal([ParameterRole.Dense, ParameterRole.Bias, ParameterRole.Dense, ParameterRole.Bias], model.Parameters.Select(tensor => tensor.Role));
        Assert.Equal([AxisMeaning.Output, AxisMeaning.Input], model.Parameters[0].AxisMeanings);
        Assert.Equal([AxisMeaning.Output], model.Parameters[1].AxisMeanings);
        Assert.Equal([AxisMeaning.Input], model.Parameters[2].AxisMeanings);

        var rows = Formula.Lower("param W[3,4] = 0\nparam U[4,3] = 0\nparam s[4] = 1\ndata x[3]\nloss sum(s * (x @ W)) + sum(x @ U.T)");
        Assert.Equal([AxisMeaning.Input, AxisMeaning.Output], rows.Parameters[0].AxisMeanings);
        Assert.Equal([AxisMeaning.Output, AxisMeaning.Input], rows.Parameters[1].AxisMeanings);
        Assert.Equal(ParameterRole.Scale, rows.Parameters[2].Role);
    }

    [Fact]
    public void Constants_and_frozen_tensors_are_not_trained_unless_asked()
    {
        const string text = "param a.w = 0\nparam b.w = 0\nconst c.w = 1\nloss a.w + c.w";
        string[] Trained(LoweringOptions options) => [.. Formula.Lower(text, options).Parameters.Select(tensor => tensor.Name)];
        Assert.Equal(["a.w", "b.w"], Trained(new LoweringOptions()));
        Assert.Equal(["b.w"], Trained(new LoweringOptions { Freeze = ["a.*"] }));
        Assert.Equal(["a.w", "b.w", "c.w"], Trained(new LoweringOptions { Trainable = ["?.w"] }));
        Assert.Equal(["b.w", "c.w"], Trained(new LoweringOptions { Trainable = ["c*"], Freeze = ["a*"] }));
        Assert.Equal(["c.w"], Formula.Lower(text).Frozen.Select(tensor => tensor.Name));
    }
}
