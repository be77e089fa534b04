using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Tiebreak.Formats;
using Tiebreak.Formats.Onnx.Writing;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Training;

/// <summary>Training in floating point: the gradient program, written as ONNX, is run by ONNX Runtime.</summary>
sealed class FloatTrajectory<T> : ITrajectory where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly DataSet _samples;
    readonly int _runs;
    readonly TensorProgram _program;
    readonly WrittenProgram _written;
    readonly InferenceSession _session;
    readonly RunOptions _run = new();
    readonly Dictionary<string, T[]> _frozen = new(StringComparer.Ordinal);
    readonly string[] _names;
    readonly T[][] _values;
    readonly T[][] _start;
    readonly Optimizer<T>[] _optimizers;
    readonly int[] _tensorOf;
    readonly int[] _offsets;
    readonly double[] _nearest;

    public FloatTrajectory(Model model, DataSet samples, int runs, TrainingOptions options)
    {
        (_samples, _runs) = (samples, runs);
        _program = ShiftedExponentials.Of(GradientProgram.Of(model, runs));
        _written = OnnxWriter.Write(_program, new OnnxWriterOptions { ElementType = typeof(T) == typeof(float) ? OnnxElementType.Float32 : OnnxElementType.Float64 });
        using var session = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        _session = new InferenceSession(_written.ToBytes(), session);
        _names = [.. model.Parameters.Select(parameter => parameter.Name)];
        _values = [.. model.Parameters.Select(parameter => Rounded(parameter))];
        _start = [.. _values.Select(values => (T[])values.Clone())];
        foreach (var weight in model.Frozen) _frozen.Add(weight.Name, Rounded(weight));
        _optimizers = [.. _values.Select(values => new Optimizer<T>(options, values.Length))];
        _tensorOf = [.. _values.SelectMany((values, tensor) => Enumerable.Repeat(tensor, values.Length))];
        _offsets = [.. _values.Select((_, tensor) => _values.Take(tensor).Sum(values => values.Length))];
        _nearest = new double[1 << 12];
    }

    /// <inheritdoc/>
    public bool IsExact => false;

    /// <summary>The parameters now, tensor by tensor.</summary>
    public IReadOnlyList<T[]> Values => _values;

    /// <inheritdoc/>
    public double? Step(SampleBlock batch)
    {
        var inputs = _written.Inputs.Select(input => OrtValue.CreateTensorValueFromMemory(Leaf(input.Leaf, batch), [.. input.Leaf.Shape.Sizes.Select(size => (long)size)])).ToArray();
        try
        {
            using var results = _session.Run(_run, [.. _written.Inputs.Select(input => input.Name)], inputs, _written.Outputs);
            for (var k = 1; k < _program.Outputs.Count; k++)
            {
                var tensor = Array.IndexOf(_names, _program.Outputs[k].Name);
                var gradient = results[k].GetTensorDataAsSpan<T>();
                foreach (var number in gradient)
                    if (!T.IsFinite(number)) throw new TiebreakException($"the gradient of `{_names[tensor]}` is no longer finite; take a smaller --rate");
                _optimizers[tensor].Step(_values[tensor], gradient);
            }

            foreach (var tensor in Enumerable.Range(0, _names.Length).Where(tensor => !_program.Outputs.Skip(1).Any(output => output.Name == _names[tensor])))
                _optimizers[tensor].Step(_values[tensor], new T[_values[tensor].Length]); // no loss sees it: only weight decay does
            return double.CreateChecked(results[0].GetTensorDataAsSpan<T>()[0]);
        }
        finally
        {
            foreach (var input in inputs) input.Dispose();
        }
    }

    /// <inheritdoc/>
    public double Distance(int a, int b, int sign) => double.CreateChecked(T.Abs(At(a) - (sign < 0 ? -At(b) : At(b))));

    /// <inheritdoc/>
    public double Movement(int parameter) => double.CreateChecked(T.Abs(At(parameter) - _start[_tensorOf[parameter]][parameter - _offsets[_tensorOf[parameter]]]));

    /// <inheritdoc/>
    public double Value(int parameter) => double.CreateChecked(At(parameter));

    /// <inheritdoc/>
    public void Dispose()
    {
        _run.Dispose();
        _session.Dispose();
    }

    T At(int parameter) => _values[_tensorOf[parameter]][parameter - _offsets[_tensorOf[parameter]]];

    T[] Leaf(Node leaf, SampleBlock batch)
    {
        if (leaf.Primitive is Primitive.Parameter parameter)
            return Array.IndexOf(_names, parameter.Name) is >= 0 and var tensor ? _values[tensor] : _frozen[parameter.Name];
        var data = (Primitive.Data)leaf.Primitive;
        var values = new T[leaf.Shape.Count];
        if (data.Name == GradientProgram.Weights)
        {
            values.AsSpan(0, Math.Min(_runs, (batch.Rows + _samples.RowsPerRun - 1) / _samples.RowsPerRun)).Fill(T.CreateChecked(GradientProgram.Weight(batch.Rows).ToDouble()));
            return values;
        }

        var rows = _runs * _samples.RowsPerRun;
        var width = values.Length / rows;
        switch (batch.Leaves[data.Name])
        {
            case IndexValues indices:
                for (var row = 0; row < rows; row++)
                    for (var place = 0; place < indices.Places; place++)
                        values[row * width + place * indices.Choices + indices.Indices[row % batch.Rows * indices.Places + place]] = T.One;
                break;
            case NumberValues numbers:
                FillNumbers(numbers, batch.Rows, rows, width, values);
                break;
        }

        return values;
    }

    void FillNumbers(NumberValues numbers, int given, int rows, int width, Span<T> values)
    {
        var offset = 0;
        for (var column = 0; column < numbers.Columns.Count; offset += numbers.Widths[column++])
        {
            var wide = numbers.Widths[column];
            for (var start = 0; start < given * wide; start += _nearest.Length)
            {
                var block = _nearest.AsSpan(0, Math.Min(_nearest.Length, given * wide - start));
                numbers.Columns[column].ReadNearest(start, block);
                for (var k = 0; k < block.Length; k++)
                    values[(start + k) / wide * width + offset + (start + k) % wide] = T.CreateChecked(block[k]);
            }
        }

        for (var row = given; row < rows; row++) values.Slice(row % given * width, width).CopyTo(values[(row * width)..]);
    }

    static T[] Rounded(ParameterTensor parameter)
    {
        var doubles = new double[parameter.Shape.Count];
        parameter.Start.ReadNearest(0, doubles);
        return Array.ConvertAll(doubles, T.CreateChecked);
    }
}
