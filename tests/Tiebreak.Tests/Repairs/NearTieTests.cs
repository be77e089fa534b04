using System.Globalization;
using System.Text.Json;
using global::Onnx;
using Google.Protobuf;
using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Programs;
using Tiebreak.Repairs.NearTies;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Repairs;

/// <summary>Copies of units with a little noise are found and merged, nothing farther than the tolerance is, and the error that is reported is the error there is.</summary>
public sealed class NearTieTests
{
    const string Chain = "param W[3,2] = [[1, 0], [1.0008, 0], [1.0016, 0]]\nparam v[3] = [1, 2, 4]\ndata x[2]\nloss v @ tanh(W @ x)\n";

    public static TheoryData<string> Kinds => [.. WidenedNetworks.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Copies_with_noise_are_found_within_the_tolerance_and_not_below(string kind)
    {
        using var folder = new TemporaryFolder();
        for (int seed = 0, done = 0; done < 20 * Agreement.More; seed++)
        {
            var pair = WidenedNetworks.Draw(kind, seed);
            File.WriteAllBytes(folder.File("narrow.onnx"), pair.Narrow);
            File.WriteAllBytes(folder.File("wide.onnx"), Noisy(pair.Wide, 1e-4, seed));
            // What is near by itself, or adds nothing, may go from the narrow network, too.
            if (Nearly(folder, "narrow.onnx", 1e-2) is { Tensors.Count: > 0 }) continue;
            done++;
            var result = Nearly(folder, "wide.onnx", 5e-3);
            using var small = OnnxReader.Open(folder.File("small.onnx"));
            var made = small.Lower(new LoweringOptions { BatchNormTraining = false });
            foreach (var parameter in made.Parameters.Concat(made.Frozen))
                Assert.True(pair.Shapes[parameter.Name].SequenceEqual(parameter.Shape.Sizes.Select(size => (long)size)), $"{kind} {seed}: {parameter.Name} {parameter.Shape}; {string.Join("; ", result.Left)}");
            Assert.NotEmpty(result.NearTies);
            Assert.All(result.NearTies, tie => Assert.InRange(tie.Distance, double.Epsilon, 5e-3));
            Assert.InRange(RuntimeOutputs.Difference(RuntimeOutputs.Of(folder.File("wide.onnx"), 1), RuntimeOutputs.Of(folder.File("small.onnx"), 1)), 0, 0.05);
            Assert.InRange(result.Error!.Worst.Relative, 1e-9, 0.05);

            var careful = Nearly(folder, "wide.onnx", 1e-6);
            Assert.Empty(careful.NearTies);
            Assert.Equal(Reduce.Model(folder.File("wide.onnx"), folder.File("small.onnx"), new ReduceOptions { ForTraining = false, Force = true }).After.Parameters, careful.After.Parameters); // a copy that nothing reads goes
            Assert.Null(careful.Error);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Any_tolerance_gives_a_model_that_runs_and_an_error_that_is_there(string kind)
    {
        using var folder = new TemporaryFolder();
        var merged = 0;
        for (var seed = 0; seed < 12 * Agreement.More; seed++)
        {
            File.WriteAllBytes(folder.File("m.onnx"), Noisy(WidenedNetworks.Draw(kind, seed).Wide, 0.2, seed));
            foreach (var tolerance in new[] { 0.1, 0.4, 0.9 })
            {
                var result = Nearly(folder, "m.onnx", tolerance);
                Assert.All(result.NearTies, tie => Assert.InRange(tie.Distance, 0, tolerance));
                var difference = RuntimeOutputs.Difference(RuntimeOutputs.Of(folder.File("m.onnx"), 1), RuntimeOutputs.Of(folder.File("small.onnx"), 1));
                merged += result.NearTies.Count;
                if (result.NearTies.Count == 0) Assert.InRange(difference, 0, 1e-5);
                else Assert.InRange(difference, 0, result.Error!.Worst.Relative * 20 + 1e-5); // on other inputs, and of numbers that are smaller in all
            }
        }

        Assert.InRange(merged, 10, int.MaxValue);
    }

    [Fact]
    public void The_error_is_that_of_ONNX_Runtime_and_of_a_computation_of_our_own()
    {
        using var folder = new TemporaryFolder();
        var pair = WidenedNetworks.Draw("mlp", 3);
        File.WriteAllBytes(folder.File("wide.onnx"), Noisy(pair.Wide, 1e-3, 3));
        var random = new Random(5);
        using var wide = OnnxReader.Open(folder.File("wide.onnx"));
        var before = wide.Lower(new LoweringOptions());
        var inputs = before.Program.Nodes.Single(node => node.Primitive is Primitive.Data).Shape;
        var rows = Enumerable.Range(0, inputs[0] * 7).Select(_ => Enumerable.Range(0, inputs[1]).Select(_ => (double)(float)(random.NextDouble() * 2 - 1)).ToArray()).ToArray();
        File.WriteAllLines(folder.File("d.csv"), rows.Select(row => string.Join(',', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture))))
            .Prepend(string.Join(',', Enumerable.Range(0, inputs[1]).Select(k => $"x[{k}]"))));
        var result = Nearly(folder, "wide.onnx", 0.02, folder.File("d.csv"));
        Assert.NotEmpty(result.NearTies);

        using var small = OnnxReader.Open(folder.File("small.onnx"));
        var after = small.Lower(new LoweringOptions());
        double largest = 0, size = 0, sum = 0;
        long count = 0;
        foreach (var batch in rows.Chunk(inputs[0]))
        {
            var (one, other) = (Outputs(before, batch), Outputs(after, batch));
            for (var k = 0; k < one.Length; k++)
            {
                (largest, size) = (Math.Max(largest, Math.Abs(one[k] - other[k])), Math.Max(size, Math.Abs(one[k])));
                sum += Math.Abs(one[k] - other[k]);
                count++;
            }
        }

        var error = Assert.Single(result.Error!.Outputs);
        Assert.Equal((folder.File("d.csv"), rows.Length), (result.Error.Data, result.Error.Samples));
        Assert.Equal(("y", count, 0, 0), (error.Name, error.Compared, error.Broken, error.Skipped));
        Close(largest, error.Largest);
        Close(size, error.Size);
        Close(largest / size, error.Relative);
        Close(sum / count, error.Mean);
        Assert.True(largest > 1e-6);

        // ONNX Runtime computes in float32; on other inputs of the same kind its difference is of that size.
        var runtime = Enumerable.Range(0, 20).Max(seed => RuntimeOutputs.Difference(RuntimeOutputs.Of(folder.File("wide.onnx"), seed), RuntimeOutputs.Of(folder.File("small.onnx"), seed)));
        Assert.InRange(runtime, error.Relative / 5, error.Relative * 5 + 1e-5);
    }

    [Fact]
    public void Nothing_merges_along_a_chain()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Chain);
        var tie = Assert.Single(Nearly(folder, "m.tb", 1e-3).NearTies);
        Assert.Equal((1, "0 2"), (tie.Center, string.Join(' ', tie.Others))); // both are near the middle one, though not each other
        Assert.InRange(tie.Distance, 7.9e-4, 8.1e-4);
        File.WriteAllText(folder.File("m.tb"), Chain.Replace("1.0016, 0", "1.0016, 0], [1.0024, 0", StringComparison.Ordinal).Replace("[3", "[4", StringComparison.Ordinal).Replace("4]\n", "4, 8]\n", StringComparison.Ordinal));
        var result = Nearly(folder, "m.tb", 1e-3);
        Assert.Equal(6, result.After.Parameters); // of four in a chain two are left, as no unit is near all
        foreach (var group in result.NearTies) Assert.InRange(group.Distance, 0, 1e-3);
    }

    [Theory]
    [InlineData(9.9e-4, 3)]
    [InlineData(1.01e-3, 2)]
    public void Rows_are_compared_by_their_norms_and_a_bias_is_part_of_its_row(double tolerance, int units)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[3,2] = [[3, 4], [3, 4], [-1, 2]]\nparam b[3] = [0, 0.005, 1]\nparam v[3] = [1, 2, 3]\ndata x[2]\nloss v @ tanh(W @ x + b)\n");
        Assert.Equal(units * 4, Nearly(folder, "m.tb", tolerance).After.Parameters); // 0.005 of 5
    }

    [Fact]
    public void The_next_layer_is_judged_by_its_columns_added_up()
    {
        using var folder = new TemporaryFolder();
        // The rows of V nearly agree only when the columns of the first two units of W are one: 5 − 4 and 2 − 1. Those of U agree only as long as they are not.
        File.WriteAllText(folder.File("m.tb"),
            """
            param W[3,2] = [[0.5, 0.25], [0.50001, 0.25], [0.125, 1]]
            param V[2,3] = [[5, -4, 3], [2, -1.0001, 3]]
            param U[2,3] = [[1000, -999, 0.5], [1000, -999.5, 0.5]]
            param v[2]   = [1, 2]
            param u[2]   = [3, 5]
            data  x[2]
            loss  v @ tanh(V @ tanh(W @ x)) + u @ sigmoid(U @ tanh(W @ x))

            """);
        var result = Nearly(folder, "m.tb", 1e-3);
        Assert.Equal(["W", "V"], result.NearTies.Select(tie => tie.Tensor));
        Assert.Equal(["U [2,2]", "V [1,2]", "W [2,2]", "v [1]"], result.Tensors.Select(tensor => $"{tensor.Name} [{string.Join(",", tensor.After!)}]").Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_tolerance_of_zero_is_the_plain_reduction(string kind)
    {
        using var folder = new TemporaryFolder();
        for (var seed = 0; seed < 5; seed++)
        {
            File.WriteAllBytes(folder.File("wide.onnx"), WidenedNetworks.Draw(kind, seed).Wide);
            Reduce.Model(folder.File("wide.onnx"), folder.File("plain.onnx"), new ReduceOptions { ForTraining = false, Force = true });
            var result = Nearly(folder, "wide.onnx", 0);
            Assert.Empty(result.NearTies);
            Assert.Equal(Weights(folder.File("plain.onnx")), Weights(folder.File("small.onnx")));
        }
    }

    [Fact]
    public void Equal_units_stay_together_when_another_joins_them()
    {
        using var folder = new TemporaryFolder();
        // 0 and 1 are equal, 3 is the negative of 2, and each pair has a near unit.
        File.WriteAllText(folder.File("m.tb"), "param W[6,2] = [[1, 2], [1, 2], [3, -1], [-3, 1], [1.0001, 2], [3.0001, -1]]\nparam v[6] = [1, 2, 3, 4, 5, 6]\ndata x[2]\nloss v @ tanh(W @ x)\n");
        var result = Nearly(folder, "m.tb", 1e-3);
        Assert.Equal(6, result.After.Parameters); // two units of three numbers
        Assert.InRange(result.Error!.Worst.Relative, 1e-9, 1e-3);
    }

    [Fact]
    public void Data_of_named_columns_measure_the_error_of_a_formula()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[2,2] = [[1, 2], [1.001, 2]]\nparam v[2] = [1, 3]\ndata x[2], y\nloss (y - v @ (W @ x))**2\n");
        File.WriteAllText(folder.File("d.csv"), "x[0],x[1],y\n1,2,3\n-1,0.5,0\n2,0,7\n");
        var error = Assert.Single(Nearly(folder, "m.tb", 1e-2, folder.File("d.csv")).Error!.Outputs);
        double[] rows = [.. new[] { (1.0, 2.0, 3.0), (-1, 0.5, 0), (2, 0, 7) }.Select(row =>
        {
            var (a, b, y) = row;
            return Math.Abs(Math.Pow(y - (a + 2 * b) - 3 * (1.001 * a + 2 * b), 2) - Math.Pow(y - 4 * (1.001 * a + 2 * b), 2));
        })];
        Close(rows.Max(), error.Largest); // the unit with the larger outgoing weight stays
        Close(rows.Average(), error.Mean);
    }

    [Fact]
    public void Check_notes_what_is_near_and_leaves_out_what_is_exact()
    {
        using var folder = new TemporaryFolder();
        // 0 and 1 are in lockstep, 2 is near them, 3 and 4 are near each other, 5 and 6 equal but free.
        File.WriteAllText(folder.File("m.tb"), "param W[7,2] = [[1, 2], [1, 2], [1.0001, 2], [3, 1], [3, 1.001], [-4, 2], [-4, 2]]\nparam v[7] = [1, 1, 2, 3, 4, 5, 6]\ndata x[2]\nloss v @ tanh(W @ x)\n");
        string[] Notes(double? tolerance) => [.. Check.Model(folder.File("m.tb"), new CheckOptions { Tolerance = tolerance }).Findings.Where(finding => finding.Rule == "TB010").Select(finding => $"{finding.Level} {finding.Certainty} {finding.Message}")];
        Assert.Empty(Notes(null));
        Assert.Empty(Notes(1e-5));
        Assert.Equal("Note measured units {0, 2} and {3, 4} of `W` nearly agree: at most 3.2e-4 of their size from one of each group", Assert.Single(Notes(1e-3)));
        Assert.Contains("units 0, 2 of `W` nearly agree: at most 4.5e-5 of their size from 0", Assert.Single(Notes(1e-4)), StringComparison.Ordinal);
        Assert.Throws<TiebreakException>(() => Notes(1));
        using StringWriter output = new(), error = new();
        Tiebreak.Cli.CommandLine.Run(["check", folder.File("m.tb"), "--tolerance", "1e-3", "--format", "json"], output, error);
        using var json = JsonDocument.Parse(output.ToString());
        var finding = json.RootElement.GetProperty("findings").EnumerateArray().Single(finding => finding.GetProperty("rule").GetString() == "TB010");
        Assert.Equal(("near-tie", "note", "W", 0), (finding.GetProperty("name").GetString(), finding.GetProperty("level").GetString(), finding.GetProperty("tensor").GetString(), finding.GetProperty("axis").GetInt32()));
        Assert.Equal([0, 2], finding.GetProperty("indices").EnumerateArray().Select(index => index.GetInt32()));
    }

    [Fact]
    public void Check_notes_channels_with_their_normalisation_and_heads()
    {
        using var folder = new TemporaryFolder();
        var rules = new List<string>();
        foreach (var kind in new[] { "cnn", "transformer" })
        {
            File.WriteAllBytes(folder.File("m.onnx"), Noisy(WidenedNetworks.Draw(kind, 1).Wide, 1e-4, 1));
            rules.AddRange(Check.Model(folder.File("m.onnx"), new CheckOptions { Tolerance = 1e-3 }).Findings.Where(finding => finding.Rule == "TB010").Select(finding => finding.Message));
        }

        Assert.Contains(rules, message => message.StartsWith("channels", StringComparison.Ordinal) && message.Contains("bn", StringComparison.Ordinal));
        Assert.Contains(rules, message => message.StartsWith("blocks of 2", StringComparison.Ordinal));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_counted_and_never_called_equal()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[2,2] = [[1, 2], [1.001, 2]]\nparam v[2] = [1, 3]\ndata x[2], y\nloss log(y) + v @ (W @ x)\n");
        File.WriteAllText(folder.File("d.csv"), "x[0],x[1],y\n1,2,3\n-1,0.5,-1\n2,0,0\n");
        var error = Assert.Single(Nearly(folder, "m.tb", 1e-2, folder.File("d.csv")).Error!.Outputs);
        Assert.Equal((1, 0, 2), (error.Compared, error.Broken, error.Skipped));
        Close(0.001, error.Largest);
        File.WriteAllText(folder.File("d.csv"), "x[0],x[1],y\n1,2,-3\n");
        error = Assert.Single(Nearly(folder, "m.tb", 1e-2, folder.File("d.csv")).Error!.Outputs);
        Assert.Equal((0, double.NaN, false), (error.Compared, error.Largest, error.IsWhole));
        using StringWriter output = new(), errors = new();
        Assert.Equal(0, Tiebreak.Cli.CommandLine.Run(["reduce", folder.File("m.tb"), "-o", folder.File("n.tb"), "--tolerance", "0.01", "--data", folder.File("d.csv")], output, errors));
        Assert.Contains("its error is not known", output.ToString().ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("`--tolerance` takes a number from 0 to below 1, for instance 1e-3, not `1`", "--tolerance", "1")]
    [InlineData("not `-0.1`", "--tolerance=-0.1")]
    [InlineData("not `NaN`", "--tolerance", "NaN")]
    [InlineData("not `much`", "--tolerance", "much")]
    [InlineData("leave out `--for training`", "--tolerance", "0.1", "--for", "training")]
    [InlineData("measure the error on it", "--data", "d.csv")]
    [InlineData("nowhere.csv", "--tolerance", "0.1", "--data", "nowhere.csv")]
    public void Wrong_options_are_one_line_and_leave_nothing(string reason, params string[] options)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Chain);
        using StringWriter output = new(), error = new();
        Assert.Equal(2, Tiebreak.Cli.CommandLine.Run(["reduce", folder.File("m.tb"), "-o", folder.File("n.tb"), .. options], output, error));
        Assert.Contains(reason, error.ToString(), StringComparison.Ordinal);
        Assert.Single(error.ToString().TrimEnd('\n').Split('\n'));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void The_report_says_first_what_became_of_the_outputs_and_on_what_that_was_measured()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), Chain);
        File.WriteAllText(folder.File("d.csv"), "x[0],x[1]\n1,2\n3,4\n");
        string Report(params string[] options)
        {
            using StringWriter output = new(), error = new();
            Assert.Equal(0, Tiebreak.Cli.CommandLine.Run(["reduce", folder.File("m.tb"), "-o", folder.File("n.tb"), "--force", .. options], output, error));
            return string.Join(' ', output.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        }

        Assert.StartsWith("9 parameters became 3: 2 units merged within 1e-3 of another, outputs change by", Report("--tolerance", "1e-3", "--data", folder.File("d.csv")), StringComparison.Ordinal);
        Assert.Contains("random inputs, not on data", Report("--tolerance", "1e-3"), StringComparison.Ordinal);
        Assert.DoesNotContain("large change", Report("--tolerance", "1e-3"), StringComparison.Ordinal);
        File.WriteAllText(folder.File("m.tb"), Chain.Replace("1.0008", "1.8", StringComparison.Ordinal));
        Assert.Contains("that is a large change", Report("--tolerance", "0.9"), StringComparison.Ordinal);
        Assert.DoesNotContain("tolerance", Report(), StringComparison.Ordinal);
        using var json = JsonDocument.Parse(Report("--tolerance", "0.9", "--format", "json", "--data", folder.File("d.csv")));
        var near = json.RootElement.GetProperty("nearTies");
        Assert.Equal((0.9, "data", 2), (near.GetProperty("tolerance").GetDouble(), near.GetProperty("error").GetProperty("on").GetString(), near.GetProperty("error").GetProperty("samples").GetInt32()));
        Assert.Equal("W", near.GetProperty("groups")[0].GetProperty("tensor").GetString());
        Assert.InRange(near.GetProperty("groups")[0].GetProperty("distance").GetDouble(), 0.1, 0.9);
    }

    static ReduceResult Nearly(TemporaryFolder folder, string model, double tolerance, string? data = null) =>
        Reduce.Model(folder.File(model), folder.File($"small{Path.GetExtension(model)}"), new ReduceOptions { ForTraining = false, Tolerance = tolerance, Force = true, Check = new CheckOptions { Data = data } });

    // Each weight times 1 ± noise.
    static byte[] Noisy(byte[] bytes, double noise, int seed)
    {
        var random = new Random(seed);
        var model = ModelProto.Parser.ParseFrom(bytes);
        foreach (var weight in model.Graph.Initializer.Where(weight => weight.DataType == (int)TensorProto.Types.DataType.Float))
        {
            float[] values = weight.FloatData.Count > 0 ? [.. weight.FloatData] : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(weight.RawData.Span).ToArray();
            for (var k = 0; k < values.Length; k++) values[k] *= (float)(1 + noise * (2 * random.NextDouble() - 1));
            weight.FloatData.Clear();
            weight.RawData = ByteString.CopyFrom(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
        }

        return model.ToByteArray();
    }

    static double[] Outputs(Model model, double[][] batch)
    {
        var values = model.Parameters.Concat(model.Frozen).ToDictionary(parameter => parameter.Name, parameter => Enumerable.Range(0, (int)parameter.Shape.Count).Select(k => parameter.Start[k].ToDouble()).ToArray());
        return FloatEvaluator.Evaluate(model.Program, node => node.Primitive is Primitive.Parameter parameter ? values[parameter.Name] : [.. batch.SelectMany(row => row)])[0].Values;
    }

    static IEnumerable<string> Weights(string path)
    {
        using var file = OnnxReader.Open(path);
        var model = file.Lower(new LoweringOptions { BatchNormTraining = false });
        return [.. model.Parameters.Concat(model.Frozen).Select(weight => $"{weight.Name} {weight.Shape} {string.Join(' ', Enumerable.Range(0, (int)weight.Shape.Count).Select(k => weight.Start[k]))}")];
    }

    static void Close(double expected, double actual) => Assert.InRange(actual, expected * (1 - 1e-9), expected * (1 + 1e-9));
}
