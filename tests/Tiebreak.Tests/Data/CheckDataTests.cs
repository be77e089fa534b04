using Google.Protobuf;
using Tiebreak.Cli;
using Tiebreak.Tests.Formats.Onnx;
using Xunit;
using DataType = Onnx.TensorProto.Types.DataType;
using TemporaryFolder = Tiebreak.Tests.House.TemporaryFolder;

namespace Tiebreak.Tests.Data;

/// <summary><c>check --data</c> from file to finding.</summary>
public sealed class CheckDataTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    string Write(string name, string text)
    {
        File.WriteAllText(_folder.File(name), text);
        return _folder.File(name);
    }

    string Write(string name, OnnxModelBuilder model)
    {
        File.WriteAllBytes(_folder.File(name), model.Proto().ToByteArray());
        return _folder.File(name);
    }

    // A one-dimensional or two-dimensional array of int64, as numpy.save writes it.
    string WriteTokens(string name, int samples, int length, params long[] values)
    {
        var header = $"{{'descr': '<i8', 'fortran_order': False, 'shape': ({samples}, {length}), }}".PadRight(117) + "\n";
        using var file = new BinaryWriter(File.Create(_folder.File(name)));
        file.Write([0x93, .. "NUMPY"u8, 1, 0]);
        file.Write((ushort)header.Length);
        file.Write(System.Text.Encoding.ASCII.GetBytes(header));
        foreach (var value in values) file.Write(value);
        return _folder.File(name);
    }

    static CheckResult Check(string model, string data, Func<CheckOptions, CheckOptions>? more = null) => Tiebreak.Check.Model(model, (more ?? (options => options))(new CheckOptions { Data = data }));

    const string Linear = "param a = 0\nparam b = 0\ndata x0, x1\nloss a*x0 + b*x1\n";

    [Fact]
    public void Equal_columns_tie_by_data_and_the_finding_names_them()
    {
        var result = Check(Write("m.tb", Linear), Write("d.csv", "x0,x1\n1,1.0\n2,2e0\n-3,-3\n"), options => options with { Pattern = true });
        Assert.Equal((1, 2L), (result.Counts!.DegreesOfFreedom, result.Counts.Lockstep));
        var finding = Assert.Single(result.Findings, finding => finding.Rule == "TB005");
        Assert.Equal("only this data keeps `a` and `b` in lockstep", finding.Message);
        Assert.Equal("`x0` and `x1` are equal in all 3 rows", finding.Because);
        Assert.Equal(2, Assert.Single(result.Analysis.Data!.Changes).DegreesOfFreedom);
    }

    [Fact]
    public void Opposite_columns_mirror_by_data()
    {
        var result = Check(Write("m.tb", Linear), Write("d.csv", "x0,x1\n1,-1\n2,-2\n"));
        Assert.Equal((1, 2L), (result.Counts!.DegreesOfFreedom, result.Counts.Mirrored));
        Assert.Equal("only this data keeps `a` and the negative of `b` in lockstep", Assert.Single(result.Findings, finding => finding.Rule == "TB005").Message);
    }

    [Fact]
    public void The_last_row_breaks_the_tie_and_is_named()
    {
        var result = Check(Write("m.tb", Linear), Write("d.csv", "x0,x1\n" + string.Concat(Enumerable.Range(1, 117).Select(k => $"{k},{k}\n")) + "5,6\n"));
        Assert.Equal(2, result.Counts!.DegreesOfFreedom);
        Assert.Equal(117, Assert.Single(result.Analysis.Data!.Breaks).Split.Row);
        Assert.DoesNotContain(result.Findings, finding => finding.Rule == "TB005");
    }

    [Fact]
    public void A_column_of_zeros_feeds_nothing()
    {
        var result = Check(Write("m.tb", "param w[2,3] = [[1,2,3],[4,5,6]]\nparam v[2] = [1,2]\ndata x[3], y\nloss (y - v @ tanh(w @ x))**2\n"), Write("d.csv", "x[0],x[1],x[2],y\n1,0,2,1\n2,0,-1,3\n"));
        var finding = Assert.Single(result.Findings, finding => finding.Rule == "TB006");
        Assert.Equal("w", finding.Tensor);
        Assert.Equal((1, 1), (finding.Axis, Assert.Single(finding.Indices)));
        Assert.Equal("data", finding.StuckBy);
        Assert.Equal("`x[1]` is zero in all 2 rows", finding.Because);
        Assert.Equal(2, result.Counts!.Stuck);
    }

    [Fact]
    public void Decimals_are_compared_exactly()
    {
        // Equal as doubles, not as numbers.
        Assert.Equal(2, Check(Write("m.tb", Linear), Write("d.csv", "x0,x1\n0.1,0.10000000000000000001\n1,1\n")).Counts!.DegreesOfFreedom);
        Assert.Equal(1, Check(Write("m.tb", Linear), Write("e.csv", "x0,x1\n0.1,1e-1\n1,1.0\n")).Counts!.DegreesOfFreedom);
    }

    [Fact]
    public void A_row_on_which_the_model_divides_by_zero_is_no_verdict()
    {
        var result = Check(Write("m.tb", "param a = 1\ndata x\nloss a / x\n"), Write("d.csv", "x\n" + string.Concat(Enumerable.Repeat("1\n", 40)) + "0\n"));
        Assert.Null(result.Counts);
        Assert.Contains(result.Findings, finding => finding.Rule == "TB011");
    }

    static OnnxModelBuilder Dense(params long[] input) => new OnnxModelBuilder().Input("x", input)
        .Weight("w", [2, 3], 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f).Weight("b", [3], 0, 0, 0).Node("Gemm", ["x", "w", "b"], ["y"]).Output("y");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void Networks_take_samples_one_by_one_whatever_batch_the_file_has(int batch)
    {
        var model = Write("m.onnx", Dense(batch, 2));
        var data = Write("d.csv", "x[0],x[1],class\n1,1,0\n2,2,1\n3,3,2\n-1,-1,0\n5,5,1\n");
        var any = Check(model, data);
        Assert.Equal(6, any.Counts!.DegreesOfFreedom); // rows of w are equal by data: 3 + 3
        var named = Check(model, data, options => options with { Loss = LossKind.CrossEntropy, Map = new Dictionary<string, IReadOnlyList<string>> { ["target"] = ["class"] } });
        Assert.Equal(6, named.Counts!.DegreesOfFreedom);
        Assert.Equal(9, named.Analysis.Data!.Any.Partition!.Classes);
    }

    [Fact]
    public void Columns_that_the_formula_declares_equal_must_be_equal()
    {
        var model = Write("m.tb", "param a = 0\nparam b = 0\ndata x0 = x1\nloss a*x0 + b*x1\n");
        Assert.Equal(1, Check(model, Write("d.csv", "x0,x1\n1,1.0\n2,2\n")).Counts!.DegreesOfFreedom);
        Assert.Equal(1, Check(model, Write("one.csv", "x0\n1\n2\n")).Counts!.DegreesOfFreedom);
        var error = Assert.Throws<TiebreakException>(() => Check(model, Write("e.csv", "x0,x1\n1,1\n2,3\n")));
        Assert.EndsWith("e.csv: row 2 (line 3): `x0` and `x1` differ, but the model declares `x0` and `x1` always equal; correct the table, or declare them apart", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_apart_on_a_table_is_witnessed_on_its_rows()
    {
        CheckOptions Witness(CheckOptions options) => options with { Witness = true };
        var exact = Check(Write("m.tb", Linear), Write("d.csv", "x0,x1\n" + string.Concat(Enumerable.Range(1, 20).Select(k => $"{k},{k}\n")) + "5,6\n"), Witness);
        Assert.Equal((0L, 2), (exact.Witness!.Undecided, exact.Witness.Splits.Count));
        Assert.True(exact.Witness.IsExact);
        var tied = Check(Write("m.tb", Linear), Write("e.csv", "x0,x1\n1,1\n2,2\n"), Witness);
        Assert.Equal((0L, 1), (tied.Witness!.Undecided, tied.Witness.Splits.Count));
        var network = Check(Write("m.onnx", Dense(0, 2)), Write("c.csv", "x[0],x[1],target\n1,2,0\n2,1,2\n"), options => Witness(options) with { Loss = LossKind.CrossEntropy });
        Assert.Equal((0L, 9), (network.Witness!.Undecided, network.Witness.Splits.Count));
    }

    [Fact]
    public void A_pattern_maps_all_columns_that_fit_it()
    {
        var table = Write("d.csv", "id,pixel0,label,pixel1\n9,1,0,2\n8,2,1,1\n");
        Assert.Equal(9, Check(Write("m.onnx", Dense(0, 2)), table, options => options with
        {
            Loss = LossKind.CrossEntropy,
            Map = new Dictionary<string, IReadOnlyList<string>> { ["x"] = ["pixel*"], ["target"] = ["label"] },
        }).Counts!.Parameters);
        var error = Assert.Throws<TiebreakException>(() => Check(Write("m.onnx", Dense(0, 2)), table, options => options with { Map = new Dictionary<string, IReadOnlyList<string>> { ["x"] = ["pixl*"] } }));
        Assert.Contains("--map x: there is no column `pixl*`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Classes_and_one_hot_targets_are_the_same_loss()
    {
        var model = Write("m.onnx", Dense(0, 2));
        var classes = Check(model, Write("c.csv", "x[0],x[1],target\n1,2,0\n2,1,2\n"), options => options with { Loss = LossKind.CrossEntropy });
        var hot = Check(model, Write("h.csv", "x[0],x[1],target[0],target[1],target[2]\n1,2,1,0,0\n2,1,0,0,1\n"), options => options with { Loss = LossKind.CrossEntropy });
        Assert.True(classes.Analysis.Partition!.SameAs(hot.Analysis.Partition!));
        Assert.Equal(9, classes.Counts!.DegreesOfFreedom);
        // Without a sample of class 1 and with equal scores, nothing separates it from the other absent class.
        Assert.Equal(6, Check(model, Write("o.csv", "x[0],x[1],target\n1,2,0\n2,1,0\n"), options => options with { Loss = LossKind.CrossEntropy }).Counts!.DegreesOfFreedom);
    }

    [Fact]
    public void Tokens_that_no_sample_holds_stay_where_they_are()
    {
        var model = Write("m.onnx", new OnnxModelBuilder().Input("ids", DataType.Int64, -1, -2).Weight("table", [6, 2], [.. Enumerable.Range(1, 12).Select(k => (float)k)])
            .Weight("w", [2, 1], 1, 2).Node("Gather", ["table", "ids"], ["rows"]).Node("MatMul", ["rows", "w"], ["y"]).Output("y"));
        var result = Check(model, WriteTokens("ids.npy", 3, 2, 0, 1, 1, 4, 4, 0));
        var finding = Assert.Single(result.Findings, finding => finding.Rule == "TB006");
        Assert.Equal([2, 3, 5], finding.Indices);
        Assert.Equal("no sample selects these rows", finding.Because);
        Assert.Equal(6, result.Counts!.Stuck);
    }

    [Fact]
    public void Two_tokens_that_always_come_together_are_told_apart_by_one_sample()
    {
        var model = Write("m.onnx", new OnnxModelBuilder().Input("ids", DataType.Int64, -1, 2).Weight("table", [3, 1], 1, 1, 5)
            .Node("Gather", ["table", "ids"], ["rows"]).Node("ReduceSum", ["rows"], ["y"], OnnxModelBuilder.Int("keepdims", 0)).Output("y"));
        Assert.Equal(2, Check(model, WriteTokens("together.npy", 3, 2, 0, 1, 1, 0, 2, 2)).Counts!.DegreesOfFreedom);
        Assert.Equal(3, Check(model, WriteTokens("apart.npy", 3, 2, 0, 1, 1, 0, 0, 2)).Counts!.DegreesOfFreedom);
    }

    [Fact]
    public void Samples_that_see_each_other_are_taken_in_batches_and_the_report_says_so()
    {
        var model = Write("m.onnx", new OnnxModelBuilder().Input("x", [0L, 2L]).Weight("w", [2, 2], 1, 2, 3, 4).Weight("b", [2], 1, 1).Node("Gemm", ["x", "w", "b"], ["h"])
            .Weight("scale", [2], 1, 2).Weight("shift", [2], 0, 1).Weight("mean", [2], 0, 0).Weight("var", [2], 1, 1)
            .Node("BatchNormalization", ["h", "scale", "shift", "mean", "var"], ["y"]).Output("y"));
        var result = Check(model, Write("d.csv", "x[0],x[1]\n" + string.Concat(Enumerable.Range(0, 11).Select(k => $"{k},{k * k % 7}\n"))));
        Assert.Contains(result.Analysis.Model.Notes, note => note.Contains("see each other", StringComparison.Ordinal));
        Assert.Equal(2, result.Counts!.Stuck); // the bias before the normalisation
        Assert.Equal(8, result.Counts.DegreesOfFreedom);
    }

    [Fact]
    public void A_mean_over_the_batch_is_noticed_without_a_normalisation()
    {
        var model = Write("m.onnx", new OnnxModelBuilder().Input("x", [0L, 2L]).Weight("w", [2, 1], 1, 2).Node("MatMul", ["x", "w"], ["h"])
            .Integers("axis", 0).Node("ReduceMean", ["h"], ["m"], Axes(0)).Node("Sub", ["h", "m"], ["y"]).Output("y"));
        var result = Check(model, Write("d.csv", "x[0],x[1]\n1,2\n2,1\n5,3\n4,4\n"));
        Assert.Equal(0, result.Counts!.Stuck); // one by one, everything would be
        Assert.Contains(result.Analysis.Model.Notes, note => note.Contains("see each other", StringComparison.Ordinal));
    }

    static global::Onnx.AttributeProto Axes(long axis)
    {
        var attribute = new global::Onnx.AttributeProto { Name = "axes", Type = global::Onnx.AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.Add(axis);
        return attribute;
    }

    [Fact]
    public void A_relu_that_is_dead_on_all_rows_is_stuck_by_data()
    {
        var model = Write("m.tb", "param w[2] = [3, -1]\nparam v[2] = [1, 2]\ndata x, y\nloss (y - v @ relu(w * x))**2\n");
        var result = Check(model, Write("d.csv", "x,y\n1,1\n2,3\n0.5,2\n"));
        Assert.Equal((2, 2L), (result.Counts!.DegreesOfFreedom, result.Counts.Stuck));
        Assert.Equal(4, Check(model, Write("e.csv", "x,y\n1,1\n2,3\n-0.5,2\n")).Counts!.DegreesOfFreedom);
    }

    [Theory]
    [InlineData("d.csv: no columns for the data `x1` (1 number a sample); map them: --map x1=COLUMNS; there are `x0`, `z`", "x0,z\n1,2\n")]
    [InlineData("d.csv: row 2 (line 3)", "x0,x1\n1,2\n3\n")]
    [InlineData("d.csv: row 2 (line 3), column `x1`", "x0,x1\n1,2\n3,abc\n")]
    [InlineData("d.csv: row 1 (line 2), column `x0`", "x0,x1\nnan,2\n")]
    [InlineData("d.csv: row 1 (line 2), column `x1`", "x0,x1\n1,\n")]
    [InlineData("d.csv", "x0,x1\n")]
    [InlineData("d.csv: --map x0: there is no column `x9`; did you mean `x0`?", "x0,x1\n1,2\n", "--map", "x0=x9")]
    [InlineData("--map q: the model has no data of that name; it has `x0`, `x1`", "x0,x1\n1,2\n", "--map", "q=x0")]
    [InlineData("d.csv: `x0` takes one number a sample, but `x0`, `x1` is of 2 numbers; map others: --map x0=COLUMNS", "x0,x1\n1,2\n", "--map", "x0=x0,x1")]
    public void Bad_tables_are_refused_with_file_row_and_column(string message, string table, params string[] more)
    {
        using StringWriter output = new(), error = new();
        var exit = CommandLine.Run(["check", Write("m.tb", Linear), "--data", Write("d.csv", table), .. more], output, error);
        Assert.Equal(2, exit);
        Assert.StartsWith("error: ", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(message, error.ToString().Replace(_folder.Path + Path.DirectorySeparatorChar, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Single(error.ToString().TrimEnd().Split('\n'));
        Assert.Equal("", output.ToString());
    }

    [Theory]
    [InlineData("target\n0\n3\n", "row 2 (line 3), column `target`: 3 is no class from 0 to 2")]
    [InlineData("target\n0\n-1\n", "row 2 (line 3), column `target`: -1 is no class from 0 to 2")]
    [InlineData("target\n0\n0.5\n", "row 2 (line 3), column `target`: 0.5 is no class from 0 to 2")]
    public void Classes_out_of_range_are_refused_with_their_row(string targets, string message)
    {
        var lines = targets.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var table = Write("d.csv", string.Concat(lines.Select((line, k) => k == 0 ? $"x[0],x[1],{line}\n" : $"1,2,{line}\n")));
        var error = Assert.Throws<TiebreakException>(() => Check(Write("m.onnx", Dense(0, 2)), table, options => options with { Loss = LossKind.CrossEntropy }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_out_of_range_are_refused_with_their_row()
    {
        var model = Write("m.onnx", new OnnxModelBuilder().Input("ids", DataType.Int64, -1, 2).Weight("table", [3, 1], 1, 2, 5).Node("Gather", ["table", "ids"], ["y"]).Output("y"));
        var error = Assert.Throws<TiebreakException>(() => Check(model, WriteTokens("ids.npy", 2, 2, 0, 1, 3, 1)));
        Assert.Contains("row 2, column `ids`: 3 is no index from 0 to 2", error.Message, StringComparison.Ordinal);
    }
}
