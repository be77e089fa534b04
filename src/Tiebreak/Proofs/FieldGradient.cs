using Tiebreak.Evaluation;
using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;

namespace Tiebreak.Proofs;

/// <summary>The gradient of a model at any point of a field, for fresh data and a fresh loss.</summary>
sealed class FieldGradient : IDisposable
{
    readonly Model _model;
    readonly TensorProgram _gradient;
    readonly RefinementOptions _options;
    readonly TableDraw? _table;
    readonly BufferPool _pool = new(idleLimit: 1 << 22);
    readonly Dictionary<string, int> _index;
    readonly Dictionary<string, ParameterTensor> _frozen;

    /// <param name="model">The model.</param>
    /// <param name="gradient">Its gradient program.</param>
    /// <param name="options">Threads, kinks, cancellation.</param>
    /// <param name="table">What data are drawn from; null for any data.</param>
    public FieldGradient(Model model, TensorProgram gradient, RefinementOptions options, TableDraw? table = null)
    {
        (_model, _gradient, _options, _table) = (model, gradient, options, table);
        _index = Enumerable.Range(0, model.Parameters.Count).ToDictionary(k => model.Parameters[k].Name, StringComparer.Ordinal);
        _frozen = model.Frozen.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);
    }

    /// <summary>A field in which all numbers of the model have an image, and the images of the start values.</summary>
    public (PrimeField Field, ulong[][] Start) Begin(ulong seed)
    {
        for (var attempt = seed; ; attempt++)
        {
            var field = PrimeField.Draw(attempt);
            try
            {
                var start = Zeros();
                for (var tensor = 0; tensor < start.Length; tensor++) ExactImages.Fill(field, _model.Parameters[tensor].Start, 0, start[tensor]);
                return (field, start);
            }
            catch (DivideByZeroException)
            {
                // The prime divides a denominator: draw another.
            }
        }
    }

    /// <summary>Zeros in the shape of all parameters.</summary>
    public ulong[][] Zeros() => [.. _model.Parameters.Select(parameter => new ulong[parameter.Shape.Count])];

    /// <summary>Writes the gradient at a point; false if the program divides by zero there.</summary>
    public bool TryEvaluate(PrimeField field, ulong seed, ulong[][] point, ulong[][] gradient)
    {
        foreach (var tensor in gradient) tensor.AsSpan().Clear(); // what the loss does not depend on has no output
        var workers = new Workers(_options.Threads, _options.Cancellation);
        try
        {
            var events = FieldEvaluator<PrimeField>.Run(
                [field], seed, _options.Kinks, _gradient, new GivenPoint(this, point), workers, _pool,
                (name, _, start, chunk) => chunk.CopyTo(gradient[_index[name]].AsSpan((int)start)), _table?.Exact(seed));
            return events.Singularities.Count == 0;
        }
        catch (DivideByZeroException)
        {
            return false; // the prime divides the denominator of a constant
        }
    }

    public void Dispose() => _pool.Dispose();

    sealed class GivenPoint(FieldGradient owner, ulong[][] point) : IParameterPoint
    {
        public void Fill<TField>(TField field, int lane, string name, long start, Span<ulong> values) where TField : struct, IField
        {
            if (owner._frozen.TryGetValue(name, out var frozen)) ExactImages.Fill(field, frozen.Start, start, values);
            else point[owner._index[name]].AsSpan((int)start, values.Length).CopyTo(values);
        }
    }
}
