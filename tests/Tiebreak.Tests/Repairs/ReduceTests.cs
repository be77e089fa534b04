using Google.Protobuf;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx;
using Tiebreak.Gradients;
using Tiebreak.Numbers;
using Tiebreak.Proofs;
using Tiebreak.Refinement;
using Tiebreak.Repairs;
using Tiebreak.Repairs.Merging;
using Tiebreak.Tests.House;
using Tiebreak.Tests.Judge;
using Xunit;
using PrimeField = Tiebreak.Numbers.PrimeField;

namespace Tiebreak.Tests.Repairs;

/// <summary>Networks that were widened come back at their own size, and the small network is the large one: now, and step by step in training.</summary>
public sealed class ReduceTests
{
    static readonly int Rounds = 67 * Agreement.More; // of each kind

    public static TheoryData<string> Kinds => [.. WidenedNetworks.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_widened_network_comes_back_at_its_own_size(string kind)
    {
        using var folder = new TemporaryFolder();
        for (int seed = 0, done = 0; done < Rounds; seed++)
        {
            var pair = WidenedNetworks.Draw(kind, seed);
            File.WriteAllBytes(folder.File("narrow.onnx"), pair.Narrow);
            File.WriteAllBytes(folder.File("wide.onnx"), pair.Wide);
            // A relu that is never positive can go from the narrow network, too.
            if (Reduce.Model(folder.File("narrow.onnx"), folder.File("small.onnx"), new ReduceOptions { ForTraining = false, Force = true }) is { Tensors.Count: > 0 }) continue;
            done++;
            var result = Reduce.Model(folder.File("wide.onnx"), folder.File("small.onnx"), new ReduceOptions { ForTraining = false, Force = true });
            using var small = OnnxReader.Open(folder.File("small.onnx"));
            using var narrow = OnnxReader.Open(folder.File("narrow.onnx"));
            var options = new LoweringOptions { BatchNormTraining = false };
            var (made, given) = (small.Lower(options), narrow.Lower(options));
            foreach (var parameter in made.Parameters.Concat(made.Frozen))
                Assert.True(pair.Shapes[parameter.Name].SequenceEqual(parameter.Shape.Sizes.Select(size => (long)size)), $"{kind} {seed}: {parameter.Name} {parameter.Shape}; {string.Join("; ", result.Left)}");
            Assert.Equal(given.Parameters.Count, made.Parameters.Count);
            Assert.Equal(0, result.Rounded);
            Assert.True(new Descent(given, null).Outputs(seed).SequenceEqual(new Descent(made, null).Outputs(seed)), $"{kind} {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_small_network_trains_like_the_large_one_step_by_step(string kind)
    {
        using var folder = new TemporaryFolder();
        var shrunk = 0;
        for (var seed = 0; seed < 20 * Agreement.More; seed++)
        {
            File.WriteAllBytes(folder.File("wide.onnx"), WidenedNetworks.Draw(kind, seed, splitsEqually: true).Wide);
            var result = Reduce.Model(folder.File("wide.onnx"), folder.File("small.onnx"), new ReduceOptions { Force = true });
            Assert.Equal(0, result.Rounded);
            if (result.After.Parameters == result.Before.Parameters) continue;
            shrunk++;
            Assert.NotNull(result.Rates);
            Assert.All(result.Left, left => Assert.Matches("^still (redundant|stuck): ", left)); // biases of keys and before batch normalisations, relus that never open
            TrainsAlike(folder.File("wide.onnx"), folder.File("small.onnx"), result, 20, $"{kind} {seed}");
        }

        Assert.InRange(shrunk, 10, int.MaxValue);
    }

    [Fact]
    public void What_has_a_rate_of_its_own_is_not_called_tied()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param W[4,3] = 0.1\nparam v[4] = 0.25\nparam s[4] = 1\ndata x[3], y\nloss (y - v @ (s * tanh(W @ x)) - mean(tanh(W @ x)))**2\n");
        var result = Reduce.Model(folder.File("m.tb"), folder.File("n.tb"));
        Assert.Equal(5, result.After.Parameters); // v and s both start at 1 now, and are learned at 4 and at 1/4
        Assert.Empty(result.Left);
    }

    [Fact]
    public void What_is_too_large_for_one_message_gets_a_data_file()
    {
        using var folder = new TemporaryFolder();
        var numbers = Enumerable.Range(0, 1600).Select(k => (k - 800) / 1024f).ToArray();
        File.WriteAllBytes(folder.File("m.onnx"), new Formats.Onnx.OnnxModelBuilder().Input("x", 3, 40).Output("y").Weight("w", [40, 40], numbers).Node("MatMul", ["x", "w"], ["y"]).Proto().ToByteArray());
        using (var reader = OnnxReader.Open(folder.File("m.onnx")))
        using (var files = StagedFiles.For(folder.File("n.onnx"), reader.Files, force: false, TestContext.Current.CancellationToken))
        {
            reader.WriteShrunk(files, new Shrinking { Model = reader.Lower(new LoweringOptions()) }, largestMessage: 0);
            files.Keep();
        }

        Assert.Equal(["m.onnx", "n.onnx", "n.onnx.data"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        Assert.InRange(new FileInfo(folder.File("n.onnx")).Length, 1, 1000);
        Assert.Equal(0, RuntimeOutputs.Difference(RuntimeOutputs.Of(folder.File("m.onnx"), 1), RuntimeOutputs.Of(folder.File("n.onnx"), 1)));
        using var written = OnnxReader.Open(folder.File("n.onnx"));
        Assert.Equal(numbers.Select(number => Rational.FromDouble(number)), Enumerable.Range(0, 1600).Select(k => written.Lower(new LoweringOptions()).Parameters[0].Start[k]));
    }

    [Theory]
    [InlineData("no OUT given")]
    [InlineData("is what is read", "-o", "m.tb")]
    [InlineData("`--for` is one of training, inference", "-o", "n.tb", "--for", "fun")]
    [InlineData("under weight decay", "-o", "n.tb", "--weight-decay", "0.1")]
    [InlineData("a smaller model is for any data", "-o", "n.tb", "--data", "t.csv")]
    [InlineData("not only for a range of it", "-o", "n.tb", "--input-range", "0,1")]
    [InlineData("keeps all outputs", "-o", "n.tb", "--outputs", "y")]
    [InlineData("under adam", "-o", "n.tb", "--optimizer", "adam")]
    [InlineData("name it .tb", "-o", "n.onnx")]
    public void Wrong_options_are_one_line_and_leave_nothing(string reason, params string[] options)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "param w = 1\ndata x\nloss w*x\n");
        using StringWriter output = new(), error = new();
        var exit = Tiebreak.Cli.CommandLine.Run(["reduce", folder.File("m.tb"), .. options.Select(word => word.Contains('.', StringComparison.Ordinal) && word.Length < 8 && word[0] != '0' ? folder.File(word) : word)], output, error);
        Assert.Equal((2, ""), (exit, output.ToString()));
        Assert.StartsWith("error: ", error.ToString(), StringComparison.Ordinal);
        Assert.Contains(reason, error.ToString(), StringComparison.Ordinal);
        Assert.Single(error.ToString().TrimEnd('\n').Split('\n'));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_formula_keeps_its_rates_as_a_comment()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("m.tb"), "# four alike\nparam W[4,3] = 0.1\nparam v[4] = 0.1\ndata x[3], y\nloss (y - v @ tanh(W @ x))**2\n");
        var result = Reduce.Model(folder.File("m.tb"), folder.File("n.tb"));
        Assert.Contains(result.Rates!, rates => !rates.IsOne);
        var text = File.ReadAllText(folder.File("n.tb"));
        Assert.Contains("# tiebreak.learning-rates: {\"W\": \"1/4\", \"v\": \"4\"}", text, StringComparison.Ordinal);
        Assert.Contains("# four alike", text, StringComparison.Ordinal);
        Assert.Equal(result.After.Parameters, Check.Model(folder.File("n.tb")).Counts!.Parameters);
    }

    public static TheoryData<string> Cases => Tiebreak.Tests.Cases.SharedCasesTests.Names;

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_known_case_trains_alike_when_it_is_reduced(string name)
    {
        using var folder = new TemporaryFolder();
        var path = Repository.FromShared("cases", name + ".onnx");
        var result = Reduce.Model(path, folder.File("small.onnx"));
        Assert.InRange(RuntimeOutputs.Difference(RuntimeOutputs.Of(path, 1), RuntimeOutputs.Of(folder.File("small.onnx"), 1)), 0, 1e-5);
        Assert.DoesNotContain(Check.Model(folder.File("small.onnx")).Findings, finding => finding.Rule is "TB001" or "TB003" or "TB007" && name != "symmetric-bilinear");
        if (result.Rounded > 0) return; // then it trains like a network next to it
        TrainsAlike(path, folder.File("small.onnx"), result, 20, name);
    }

    // Exact steps of gradient descent in a field, functions being the same random ones: after each the outputs are equal on new data.
    static void TrainsAlike(string large, string small, ReduceResult result, int steps, string which)
    {
        using var wide = OnnxReader.Open(large);
        using var narrow = OnnxReader.Open(small);
        var (one, other) = (new Descent(wide.Lower(Lowering(wide)), null), new Descent(narrow.Lower(Lowering(narrow)), result.Rates));
        for (var step = 0; step < steps; step++)
        {
            Assert.True(one.Outputs(step).SequenceEqual(other.Outputs(step)), $"{which}: after step {step}");
            one.Step(step);
            other.Step(step);
        }

        Assert.Equal(one.Outputs(steps), other.Outputs(steps));
    }

    static LoweringOptions Lowering(OnnxReader file) => new() { Dims = file.FreeDims.ToDictionary(name => name, _ => 3) };

    /// <summary>Gradient descent modulo one prime.</summary>
    sealed class Descent
    {
        static readonly PrimeField Field = PrimeField.Draw(77);

        readonly Model _model;
        readonly Tiebreak.Programs.TensorProgram _gradient;
        readonly State _state;
        readonly ulong[][] _values;
        readonly ulong[][] _rates;

        public Descent(Model model, IReadOnlyList<TensorRates>? rates)
        {
            _model = model;
            _state = State.Of(model, SmallestInvariantSet.Find(model, new RefinementOptions()).Partition!);
            _gradient = Gradient.Of(model.Program, model.OutputIsLoss, model.Parameters.Select(parameter => parameter.Name).ToHashSet());
            _values = [.. model.Parameters.Select(parameter =>
            {
                var values = new ulong[parameter.Shape.Count];
                ExactImages.Fill(Field, parameter.Start, 0, values);
                return values;
            })];
            _rates = [.. model.Parameters.Select(parameter => Enumerable.Range(0, (int)parameter.Shape.Count)
                .Select(k => rates?.SingleOrDefault(rate => rate.Name == parameter.Name) is { } rate ? ExactImages.Image(Field, rate.At(parameter.Shape, k)) : 1).ToArray())];
        }

        public void Step(int number)
        {
            var gradients = _model.Parameters.Select(parameter => new ulong[parameter.Shape.Count]).ToArray();
            Evaluate(_gradient, number, (name, start, chunk) => chunk.CopyTo(gradients[Index(name)].AsSpan((int)start)));
            for (var tensor = 0; tensor < _values.Length; tensor++)
                for (var k = 0; k < _values[tensor].Length; k++)
                    _values[tensor][k] = Field.Subtract(_values[tensor][k], Field.Multiply(Field.Multiply(12345, _rates[tensor][k]), gradients[tensor][k]));
        }

        public ulong[] Outputs(int number)
        {
            var outputs = new List<ulong>();
            Evaluate(_model.Program, 1000 + number, (_, _, chunk) => outputs.AddRange(chunk.ToArray()));
            return [.. outputs];
        }

        delegate void Reader(string name, long start, ReadOnlySpan<ulong> chunk);

        void Evaluate(Tiebreak.Programs.TensorProgram program, int seed, Reader reader)
        {
            var gates = new GatesByOrder(program, new RefinementOptions()).Of(_state, null, 1);
            using var pool = new Tiebreak.Evaluation.BufferPool(1 << 20);
            var events = Tiebreak.Evaluation.FieldEvaluator<PrimeField>.Run(
                [Field], (ulong)seed, KinkConvention.Frameworks, program, new Point(this), new Tiebreak.Evaluation.Workers(1, CancellationToken.None), pool, (name, _, start, chunk) => reader(name, start, chunk), null, gates);
            Assert.Empty(events.Singularities);
        }

        int Index(string name) => Enumerable.Range(0, _model.Parameters.Count).Single(k => _model.Parameters[k].Name == name);

        sealed class Point(Descent owner) : Tiebreak.Evaluation.IParameterPoint
        {
            public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
            {
                if (owner._model.Frozen.FirstOrDefault(parameter => parameter.Name == name) is { } frozen) ExactImages.Fill(Field, frozen.Start, start, values);
                else owner._values[owner.Index(name)].AsSpan((int)start, values.Length).CopyTo(values);
            }
        }
    }
}
