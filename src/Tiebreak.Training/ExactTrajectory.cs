using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Training;

/// <summary>
/// Training modulo a random prime of 61 bits: the same steps, with sums, products and quotients exact. Two parameters whose residues differ differ in truth; two that are equal
/// modulo the prime and not in truth would be a coincidence of chance 2⁻⁶⁰ times the degree of the numbers involved.
/// </summary>
sealed class ExactTrajectory : ITrajectory
{
    readonly PrimeField _field;
    readonly TensorProgram _program;
    readonly DataSet _samples;
    readonly TrainingOptions _options;
    readonly Dictionary<string, int> _index;
    readonly IReadOnlyDictionary<string, ParameterTensor> _frozen;
    readonly ulong[][] _values;
    readonly ulong[][] _start;
    readonly ulong[][] _momenta;
    readonly ulong _rate;
    readonly ulong _decay;
    readonly ulong _momentum;
    readonly BufferPool _pool = new(idleLimit: 1 << 24);
    readonly int[] _tensorOf;
    readonly int[] _offsets;

    /// <exception cref="TiebreakException">The model or the optimiser is not rational.</exception>
    public ExactTrajectory(Model model, DataSet samples, int runs, TrainingOptions options)
    {
        (_samples, _options) = (samples, options);
        _program = GradientProgram.Of(model, runs);
        if (GradientProgram.NotRational(_program) is { } what)
            throw new TiebreakException($"--exact needs a model of sums, products and quotients, and this one has {what}; use another activation, or train with --dtype float64");
        if (options.NeedsReals) throw new TiebreakException("--exact knows sgd, momentum and nesterov; the others take roots or signs, which a field does not have");
        _field = PrimeField.Draw(new RandomFunction(options.Seed, RandomFunction.Purpose("exact training")).Word(1));
        _index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);
        _frozen = model.Frozen.ToDictionary(weight => weight.Name, StringComparer.Ordinal);
        _values = [.. model.Parameters.Select(Images)];
        _start = [.. _values.Select(values => (ulong[])values.Clone())];
        _momenta = [.. _values.Select(values => new ulong[values.Length])];
        (_rate, _decay, _momentum) = (ExactImages.Image(_field, options.Rate), ExactImages.Image(_field, options.WeightDecay), ExactImages.Image(_field, options.Momentum));
        _tensorOf = [.. _values.SelectMany((values, tensor) => Enumerable.Repeat(tensor, values.Length))];
        _offsets = [.. _values.Select((_, tensor) => _values.Take(tensor).Sum(values => values.Length))];
    }

    /// <inheritdoc/>
    public bool IsExact => true;

    /// <summary>The prime, for comparisons with fractions.</summary>
    public PrimeField Field => _field;

    /// <summary>The parameters now as residues, tensor by tensor.</summary>
    public IReadOnlyList<ulong[]> Values => _values;

    /// <inheritdoc/>
    public double? Step(SampleBlock batch)
    {
        var gradients = _values.Select(values => new ulong[values.Length]).ToArray();
        var events = FieldEvaluator<PrimeField>.Run(
            [_field], _options.Seed, KinkConvention.Frameworks, _program, new Point(this), new Workers(Environment.ProcessorCount, _options.Cancellation), _pool,
            (name, _, start, chunk) =>
            {
                if (_index.TryGetValue(name, out var tensor)) chunk.CopyTo(gradients[tensor].AsSpan((int)start));
            },
            new Batch(new SamplePoint(batch, _samples.RowsPerRun, seed: 0), batch.Rows, _samples.RowsPerRun));
        if (events.Singularities.Count > 0) throw new TiebreakException($"training divides by zero at {events.Singularities[0].Origin ?? "some node"}; start elsewhere, or take another --rate");
        for (var tensor = 0; tensor < _values.Length; tensor++)
            for (var i = 0; i < _values[tensor].Length; i++) Step(tensor, i, gradients[tensor][i]);
        return null;
    }

    /// <inheritdoc/>
    public double Distance(int a, int b, int sign) => At(a) == (sign < 0 ? _field.Negate(At(b)) : At(b)) ? 0 : 1;

    /// <inheritdoc/>
    public double Movement(int parameter) => At(parameter) == _start[_tensorOf[parameter]][parameter - _offsets[_tensorOf[parameter]]] ? 0 : 1;

    /// <inheritdoc/>
    public double Value(int parameter) => 0;

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    void Step(int tensor, int i, ulong gradient)
    {
        ref var value = ref _values[tensor][i];
        gradient = _field.Add(gradient, _field.Multiply(_decay, value));
        if (_options.Optimizer != OptimizerKind.Sgd)
        {
            ref var mean = ref _momenta[tensor][i];
            mean = _field.Add(_field.Multiply(_momentum, mean), gradient);
            gradient = _options.Optimizer == OptimizerKind.Momentum ? mean : _field.Add(gradient, _field.Multiply(_momentum, mean));
        }

        value = _field.Subtract(value, _field.Multiply(_rate, gradient));
    }

    ulong At(int parameter) => _values[_tensorOf[parameter]][parameter - _offsets[_tensorOf[parameter]]];

    ulong[] Images(ParameterTensor parameter)
    {
        var images = new ulong[parameter.Shape.Count];
        ExactImages.Fill(_field, parameter.Start, 0, images);
        return images;
    }

    sealed class Point(ExactTrajectory trajectory) : IParameterPoint
    {
        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
        {
            if (trajectory._index.TryGetValue(name, out var tensor)) trajectory._values[tensor].AsSpan((int)start, values.Length).CopyTo(values);
            else ExactImages.Fill(field, trajectory._frozen[name].Start, start, values);
        }
    }

    // The batch's samples, each with the weight that makes their mean.
    sealed class Batch(SamplePoint samples, int rows, int rowsPerRun) : IDataPoint
    {
        public bool TryFill<TField>(TField field, int lane, Primitive.Data leaf, Shape shape, Span<ulong> values) where TField : struct, IField
        {
            if (leaf.Name != GradientProgram.Weights) return samples.TryFill(field, lane, leaf, shape, values);
            values.Clear();
            values[..Math.Min(values.Length, (rows + rowsPerRun - 1) / rowsPerRun)].Fill(ExactImages.Image(field, GradientProgram.Weight(rows)));
            return true;
        }
    }
}
