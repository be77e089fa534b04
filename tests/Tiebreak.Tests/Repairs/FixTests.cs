using Microsoft.ML.OnnxRuntime;
using Tiebreak.Findings;
using Tiebreak.Tests.Cases;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Repairs;

public sealed class FixTests
{
    const string Tied = "param W[4,3] = 0.1\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2\n";

    [Theory]
    [MemberData(nameof(SharedCasesTests.Names), MemberType = typeof(SharedCasesTests))]
    public void Shared_cases_are_cured_and_only_weights_change(string name)
    {
        foreach (var method in new[] { RepairMethod.Reinit, RepairMethod.Noise })
        {
            using var folder = new TemporaryFolder();
            var (model, output) = (Repository.FromShared("cases", name + ".onnx"), folder.File("fixed.onnx"));
            var result = Fix.Model(model, output, new FixOptions { Method = method, Scale = 0.1 });
            Assert.Equal(new FileInfo(model).Length, new FileInfo(output).Length);
            Assert.Equal([output], Directory.GetFileSystemEntries(folder.Path));
            if (result.Before.Findings.All(finding => finding.Level < Level.Error)) Assert.Equal(File.ReadAllBytes(model), File.ReadAllBytes(output));

            // The file says what the result says of it.
            var again = Check.Model(output);
            Assert.True(again.Analysis.Partition!.SameAs(result.After.Analysis.Partition!));
            Assert.DoesNotContain(again.Findings, finding => finding.Level == Level.Error);
            Assert.All(result.Repairs, repair => Assert.DoesNotContain(again.Findings, finding => finding.Rule is "TB001" or "TB002" or "TB003" or "TB007" && finding.Tensors.Contains(repair.Tensor)));
            using (var session = new InferenceSession(output)) Assert.NotEmpty(session.OutputNames); // other tools read it, too
            if (result.Repairs.All(repair => repair.How == "factor")) Assert.True(result.Function.IsKept);
        }
    }

    [Fact]
    public void Zero_factors_are_freed_without_changing_the_function()
    {
        using var folder = new TemporaryFolder();
        var result = Fix.Model(Repository.FromShared("cases", "two-zero-layers.onnx"), folder.File("fixed.onnx"));
        Assert.Equal("factor", Assert.Single(result.Repairs).How);
        Assert.True(result.Function.IsKept);
        Assert.Equal(0, result.Function.Absolute);
    }

    [Fact]
    public void Redundant_biases_are_taken_away_where_that_keeps_the_function()
    {
        using var folder = new TemporaryFolder();
        var result = Fix.Model(Repository.FromShared("cases", "attention.onnx"), folder.File("fixed.onnx"), new FixOptions { DropRedundant = true });
        Assert.Equal("k.bias", Assert.Single(result.Repairs).Tensor);
        Assert.True(result.Function.IsKept);
        Assert.Empty(result.After.Findings);
        using var session = new InferenceSession(folder.File("fixed.onnx"));
        Assert.NotEmpty(session.OutputNames);
        Assert.True(new FileInfo(folder.File("fixed.onnx")).Length < new FileInfo(Repository.FromShared("cases", "attention.onnx")).Length);
    }

    [Fact]
    public void A_bias_that_a_running_mean_knows_stays()
    {
        // Not zero, and cancelled by the batch's own mean only: with the stored mean the function would be another one.
        var model = new OnnxModelBuilder().Input("x", -1, 2).Output("y").Weight("w", [2, 2], 1, 2, 3, 5).Weight("b", [2], 1, 2)
            .Weight("scale", [2], 1, 2).Weight("shift", [2], 0.5f, 1).Weight("mean", [2], 1, 2).Weight("var", [2], 1, 1)
            .Node("Gemm", ["x", "w", "b"], ["h"]).Node("BatchNormalization", ["h", "scale", "shift", "mean", "var"], ["y"]);
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), [.. Google.Protobuf.MessageExtensions.ToByteArray(model.Proto())]);
        var result = Fix.Model(folder.File("m.onnx"), folder.File("n.onnx"), new FixOptions { DropRedundant = true });
        Assert.Empty(result.Repairs);
        Assert.Contains("would change what the model computes", Assert.Single(result.Unrepaired).Reason);
        Assert.Equal(File.ReadAllBytes(folder.File("m.onnx")), File.ReadAllBytes(folder.File("n.onnx")));
    }

    [Fact]
    public void The_same_seed_writes_the_same_file_and_another_one_another()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Tied);
        for (var k = 0; k < 3; k++) Fix.Model(folder.File("m.tb"), folder.File($"{k}.tb"), new FixOptions { Check = new CheckOptions { Seed = k == 2 ? 1UL : 0 } });
        Assert.Equal(File.ReadAllText(folder.File("0.tb")), File.ReadAllText(folder.File("1.tb")));
        Assert.NotEqual(File.ReadAllText(folder.File("0.tb")), File.ReadAllText(folder.File("2.tb")));
    }

    [Fact]
    public void An_interruption_anywhere_leaves_no_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Tied);
        for (var reports = 1; ; reports++)
        {
            using var source = new CancellationTokenSource();
            var options = new FixOptions { Check = new CheckOptions { Cancellation = source.Token, Progress = new CancelAfter(reports, source) } };
            try
            {
                Fix.Model(folder.File("m.tb"), folder.File("n.tb"), options);
                Assert.True(reports > 5);
                Assert.True(File.Exists(folder.File("n.tb")));
                return;
            }
            catch (OperationCanceledException)
            {
                Assert.Equal([folder.File("m.tb")], Directory.GetFileSystemEntries(folder.Path));
            }
        }
    }

    [Fact]
    public void A_start_that_is_not_finite_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("m.onnx"), Google.Protobuf.MessageExtensions.ToByteArray(new OnnxModelBuilder().Input("x", 1, 2).Output("y").Weight("w", [2, 1], float.NaN, 1).Node("MatMul", ["x", "w"], ["y"]).Proto()));
        Assert.Contains("repair that first", Assert.Throws<TiebreakException>(() => Fix.Model(folder.File("m.onnx"), folder.File("n.onnx"))).Message);
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }
}
