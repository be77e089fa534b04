using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Proofs;

/// <summary>
/// Gradient descent from the real start in float64: fresh data and loss at every step. The learning rate is a power of two chosen at each step such that the parameter that moves
/// most moves by about a given share: a schedule as any other, under which no run blows up and none stands still.
/// <para>
/// <b>What counts as apart.</b> Rounding alone makes parameters differ that are equal on paper, by a few 10⁻¹⁶ of the largest value or movement, times whatever the steps since amplify.
/// So a gap counts only above 10⁻⁹ of both, and above a thousand times the noise. The noise is measured: beside each run goes a shadow, with the same data and rates, whose
/// updates are wrong by a relative 2⁻⁴⁴ (some hundred roundings, the same for all members of a class, so that it stays in the proved set); it is the largest difference of the two.
/// A run that loses more than a millionth to noise, as at a kink that rounding decides, ends there.
/// </para>
/// </summary>
sealed class FloatTraining : ITrainingRun
{
    const double RelativeGap = 1e-9;
    const double NoiseFactor = 1000;
    const double MostNoise = 1e-6;
    const double Largest = 1e30;
    const double ShadowError = 1.0 / (1L << 44);
    const int Redraws = 6; // of data outside of a function's domain

    readonly ClassStarts _starts;
    readonly FloatModel _model;
    readonly RandomFunction _random;
    readonly DataStyle _style;
    readonly double _share;
    readonly double[][] _point;
    readonly double[][] _shadow;
    readonly sbyte[] _signs; // of classes that start at zero: of their first clear value
    readonly ulong _seed;
    readonly bool _keepsLoss;
    readonly TableDraw? _table;
    double _gap;

    /// <summary>Begins a run.</summary>
    /// <param name="starts">The classes to watch.</param>
    /// <param name="model">The gradient.</param>
    /// <param name="style">Which data to draw.</param>
    /// <param name="share">How far the parameter that moves most moves in a step, as a share of the largest parameter.</param>
    /// <param name="keepsLoss">Whether the loss sends the same back at every step, which drives parameters far; else it is drawn anew.</param>
    /// <param name="seed">The seed of data and loss.</param>
    /// <param name="table">What data are drawn from; null for any data.</param>
    public FloatTraining(ClassStarts starts, FloatModel model, DataStyle style, double share, bool keepsLoss, ulong seed, TableDraw? table)
    {
        (_starts, _model, _style, _share, _keepsLoss, _seed, _table) = (starts, model, style, share, keepsLoss, seed, table);
        _random = new RandomFunction(seed, RandomFunction.Purpose("float training"));
        _point = [.. model.Start.Select(tensor => tensor.ToArray())];
        _shadow = [.. model.Start.Select(tensor => tensor.ToArray())];
        _signs = [.. starts.Signs];
    }

    /// <summary>Whether a first step could be taken: some data gave finite values.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Whether rounding pulled members of one class apart: then the rest of the run means nothing.</summary>
    public bool HasStrayed { get; private set; }

    public bool Advance(int step)
    {
        for (var draw = 0; draw < Redraws; draw++)
        {
            var data = new Dictionary<string, double[]>(StringComparer.Ordinal);
            var seed = _random.Word((ulong)(step * Redraws + draw));
            double[] Leaf(Node node)
            {
                var leaf = (Primitive.Data)node.Primitive;
                if (!data.TryGetValue(leaf.Name, out var values)) data.Add(leaf.Name, values = _table?.Floats(leaf, node.Shape, seed) ?? RandomData.Draw(leaf, node.Shape, _style, _keepsLoss && leaf.Kind == DataKind.LossAdjoint ? _seed : seed));
                return values;
            }

            var slopes = _model.Gradient(_point, Leaf);
            if (!FloatModel.AreFinite(slopes)) continue;
            var shadowSlopes = _model.Gradient(_shadow, Leaf);
            if (!FloatModel.AreFinite(shadowSlopes)) continue;
            HasBegun = true;
            Move(slopes, shadowSlopes);
            return Measure();
        }

        return false;
    }

    public bool HasMoved(int number) => Math.Abs(Value(number) - _model.Start[_starts.Tensors[number]][_starts.Places[number]]) > _gap;

    public void Cluster(int[] block, Span<int> clusters)
    {
        if (_starts.Magnitudes[block[0]] == 0) Orient(block);
        var values = new double[block.Length];
        for (var k = 0; k < values.Length; k++) values[k] = _signs[block[k]] switch { 0 => Math.Abs(Value(block[k])), < 0 => -Value(block[k]), _ => Value(block[k]) };
        var order = Enumerable.Range(0, values.Length).OrderBy(k => values[k]).ToArray();
        for (int k = 0, cluster = 0; k < order.Length; k++)
        {
            if (k > 0 && values[order[k]] - values[order[k - 1]] > _gap) cluster++;
            clusters[order[k]] = cluster;
        }
    }

    // All that are clearly away from zero, and from what is not, get their sign at once: so two that are equal or opposite get it at the same step.
    void Orient(int[] block)
    {
        var last = 0.0;
        var isClear = false;
        foreach (var number in block.Where(number => _signs[number] == 0).OrderBy(number => Math.Abs(Value(number))))
        {
            var size = Math.Abs(Value(number));
            isClear |= size - last > _gap;
            last = size;
            if (isClear) _signs[number] = (sbyte)Math.Sign(Value(number));
        }
    }

    /// <summary>The value of a class after the last step, as its first member has it.</summary>
    public double Value(int number) => _point[_starts.Tensors[number]][_starts.Places[number]];

    void Move(double[]?[] slopes, double[]?[] shadowSlopes)
    {
        double steepest = 0, size = 1;
        foreach (var tensor in slopes)
            foreach (var slope in tensor ?? []) steepest = Math.Max(steepest, Math.Abs(slope));
        foreach (var tensor in _point)
            foreach (var value in tensor) size = Math.Max(size, Math.Abs(value));
        if (steepest == 0) return;
        var rate = Math.ScaleB(1, (int)Math.Floor(Math.Log2(_share * size / steepest)));
        var wrong = new RandomFunction(_seed, RandomFunction.Purpose("shadow"));
        for (var tensor = 0; tensor < _point.Length; tensor++)
        {
            if (slopes[tensor] is not { } own || shadowSlopes[tensor] is not { } other) continue;
            var (point, shadow, codes) = (_point[tensor], _shadow[tensor], _starts.Partition.Codes[tensor]);
            for (var k = 0; k < point.Length; k++)
            {
                point[k] -= rate * own[k];
                var error = (wrong.Word((ulong)Math.Abs(codes[k])) & 1) == 0 ? ShadowError : -ShadowError;
                shadow[k] -= rate * other[k] * (1 + error);
            }
        }
    }

    bool Measure()
    {
        double size = 0, movement = 0, noise = 0, stray = 0;
        for (var tensor = 0; tensor < _point.Length; tensor++)
        {
            var (point, shadow, start, codes) = (_point[tensor], _shadow[tensor], _model.Start[tensor], _starts.Partition.Codes[tensor]);
            for (var k = 0; k < point.Length; k++)
            {
                size = Math.Max(size, Math.Abs(point[k]));
                movement = Math.Max(movement, Math.Abs(point[k] - start[k]));
                noise = Math.Max(noise, Math.Abs(point[k] - shadow[k]));
                var expected = codes[k] == 0 ? start[k] : codes[k] > 0 ? Value(codes[k]) : -Value(-codes[k]);
                stray = Math.Max(stray, Math.Abs(point[k] - expected));
            }
        }

        var whole = Math.Max(size, movement);
        _gap = Math.Max(RelativeGap * whole, NoiseFactor * noise);
        HasStrayed = stray > _gap;
        return !HasStrayed && whole < Largest && noise <= MostNoise * whole;
    }
}

/// <summary>A model's gradient in float64.</summary>
sealed class FloatModel
{
    readonly TensorProgram _gradient;
    readonly Dictionary<string, int> _index;
    readonly Dictionary<string, double[]> _frozen;

    public FloatModel(Model model, TensorProgram gradient)
    {
        _gradient = ShiftedExponentials.Of(gradient);
        _index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);
        _frozen = model.Frozen.ToDictionary(parameter => parameter.Name, parameter => Doubles(parameter.Start), StringComparer.Ordinal);
        Start = [.. model.Parameters.Select(parameter => Doubles(parameter.Start))];
    }

    /// <summary>θ⁰, to the nearest double.</summary>
    public double[][] Start { get; }

    /// <summary>The gradient for each tensor, null where the loss does not depend on it.</summary>
    public double[]?[] Gradient(double[][] point, Func<Node, double[]> data)
    {
        var slopes = new double[]?[Start.Length];
        foreach (var output in FloatEvaluator.Evaluate(_gradient, node => node.Primitive is not Primitive.Parameter parameter ? data(node) : _frozen.GetValueOrDefault(parameter.Name) ?? point[_index[parameter.Name]]))
            slopes[_index[output.Name]] = output.Values;
        return slopes;
    }

    public static bool AreFinite(double[]?[] slopes) => Array.TrueForAll(slopes, tensor => tensor is null || Array.TrueForAll(tensor, double.IsFinite));

    static double[] Doubles(ExactTensor values)
    {
        var numbers = new double[values.Count];
        if (values.HasDoubles) values.ReadDoubles(0, numbers);
        else for (var k = 0; k < numbers.Length; k++) numbers[k] = values[k].ToDouble();
        return numbers;
    }
}
