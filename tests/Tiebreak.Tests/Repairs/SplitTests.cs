using System.Text.Json;
using Google.Protobuf;
using Tiebreak.Cli;
using Tiebreak.Tests.Cases;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Tiebreak.Training;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>After a split nothing is in lockstep, and the model computes what it did.</summary>
public sealed class SplitTests
{
    [Theory]
    [MemberData(nameof(SharedCasesTests.Names), MemberType = typeof(SharedCasesTests))]
    public void No_known_case_stays_in_lockstep_and_each_keeps_its_function(string name)
    {
        using var folder = new TemporaryFolder();
        var path = Repository.FromShared("cases", name + ".onnx");
        var result = Fix.Model(path, folder.File("fixed.onnx"), new FixOptions { Method = RepairMethod.Split });
        Assert.DoesNotContain(Check.Model(folder.File("fixed.onnx")).Findings, finding => finding.Rule is "TB001" or "TB003" or "TB007");
        Assert.True(result.Function.IsKept);
        Assert.InRange(RuntimeOutputs.Difference(RuntimeOutputs.Of(path, 1), RuntimeOutputs.Of(folder.File("fixed.onnx"), 1)), 0, 1e-5);
    }

    public static TheoryData<string> Kinds => [.. WidenedNetworks.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Widened_networks_in_lockstep_come_apart_and_keep_their_function(string kind)
    {
        using var folder = new TemporaryFolder();
        var tied = 0;
        for (var seed = 0; seed < 15 * Agreement.More; seed++)
        {
            File.WriteAllBytes(folder.File("wide.onnx"), WidenedNetworks.Draw(kind, seed, splitsEqually: true).Wide);
            var result = Fix.Model(folder.File("wide.onnx"), folder.File("fixed.onnx"), new FixOptions { Method = RepairMethod.Split, Force = true });
            if (result.Before.Findings.Any(finding => finding.Rule is "TB001")) tied++;
            Assert.True(!result.After.Findings.Any(finding => finding.Rule is "TB001" or "TB003" or "TB007"), $"{kind} {seed}: {string.Join("; ", result.After.Findings.Select(finding => finding.Message))}");
            Assert.True(result.Function.IsKept, $"{kind} {seed}");
        }

        Assert.InRange(tied, 5, int.MaxValue);
    }

    [Theory]
    [InlineData("0.1")]
    [InlineData("1e-320")]
    public void Many_units_get_weights_that_all_differ(string start)
    {
        const int Units = 600;
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), $"param W[{Units},2] = 0.1\nparam v[{Units}] = {start}\ndata x[2], y\nloss (y - v @ tanh(W @ x))**2\n");
        var result = Fix.Model(folder.File("m.tb"), folder.File("n.tb"), new FixOptions { Method = RepairMethod.Split });
        if (start == "0.1") Assert.Equal(0, result.After.Counts!.Lockstep);
        else Assert.NotEmpty(result.Unrepaired); // nothing smaller can be moved, which is said
    }

    [Fact]
    public void Units_with_frozen_numbers_of_their_own_are_split_all_the_same()
    {
        using var folder = new TemporaryFolder();
        var model = new OnnxModelBuilder().Input("x", 2, 3).Output("y").Weight("W", [3, 4], [.. Enumerable.Range(0, 12).Select(k => 0.1f * (k / 4 + 1) * (k % 2 + 1))]).Weight("b", [4], 1, 2, 1, 2).Weight("V", [4, 1], 3, 5, 3, 5)
            .Node("MatMul", ["x", "W"], ["h"]).Node("Add", ["h", "b"], ["a"]).Node("Tanh", ["a"], ["t"]).Node("MatMul", ["t", "V"], ["y"]);
        File.WriteAllBytes(folder.File("m.onnx"), model.Proto().ToByteArray());
        var result = Fix.Model(folder.File("m.onnx"), folder.File("n.onnx"), new FixOptions { Check = new CheckOptions { Freeze = ["b"] } });
        Assert.Equal("V", Assert.Single(result.Repairs).Tensor);
        Assert.True(result.Function.IsKept);
        Assert.Equal(0, result.After.Counts!.Lockstep);
    }

    [Fact]
    public void Units_that_wake_only_for_large_data_are_not_said_to_make_no_difference()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[3,2] = 0.1\nparam b[3] = -40\nparam v[3] = 1\ndata x[2], y\nloss (y - v @ relu(W @ x + b))**2\n");
        var result = Fix.Model(folder.File("m.tb"), folder.File("n.tb"), new FixOptions { Method = RepairMethod.Reinit });
        Assert.False(result.Function.IsKept);
        Assert.NotEqual(0, result.Function.Absolute);
    }

    [Fact]
    public void Units_that_are_summed_over_elsewhere_are_split_all_the_same()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[4,3] = 0.1\nparam v[4] = 1/3\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2 + 0.1*sum(W*W)\n");
        var result = Fix.Model(folder.File("m.tb"), folder.File("n.tb"), new FixOptions { Method = RepairMethod.Split });
        Assert.True(result.Function.IsKept);
        Assert.Equal(16, result.After.Analysis.Partition!.Classes);
        Assert.Equal("v", Assert.Single(result.Repairs).Tensor);
    }

    [Fact]
    public void Iris_learns_from_a_split_start_what_it_cannot_from_a_constant_one()
    {
        using var folder = new TemporaryFolder();
        var result = Fix.Model(Repository.File("samples", "iris-constant.tb"), folder.File("split.tb"), new FixOptions { Method = RepairMethod.Split });
        Assert.True(result.Function.IsKept);
        Assert.Equal(0, result.Function.Absolute, 1e-15);
        var (before, after) = (Loss(Repository.File("samples", "iris-constant.tb")), Loss(folder.File("split.tb")));
        Assert.True(after <= 0.8 * before, $"{after} after a split, {before} without");
    }

    // 500 steps of gradient descent, all rows in each.
    static double Loss(string model)
    {
        using StringWriter output = new(), error = new();
        string[] args = ["train", model, "--data", Repository.File("samples", "iris.csv"), "--map", "x=sepal length,sepal width,petal length,petal width", "--steps", "500", "--rate", "0.05", "--format", "json"];
        var exit = CommandLine.Run(args, new Surroundings { Output = output, Error = error, TrainCommand = around => new TrainCommand(around).Command });
        Assert.True(exit == 0, error.ToString());
        return JsonDocument.Parse(output.ToString()).RootElement.GetProperty("lastLoss").GetDouble();
    }
}
