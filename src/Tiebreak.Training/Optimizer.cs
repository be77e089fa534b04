using System.Numerics;

namespace Tiebreak.Training;

/// <summary>One tensor's steps in floating point, element by element, in the arithmetic of <typeparamref name="T"/>, as PyTorch takes them.</summary>
sealed class Optimizer<T>(TrainingOptions options, int count) where T : unmanaged, IFloatingPointIeee754<T>
{
    readonly T[] _mean = new T[count];
    readonly T[] _square = options.Optimizer is OptimizerKind.RmsProp or OptimizerKind.Adam or OptimizerKind.AdamW ? new T[count] : [];
    readonly T _rate = T.CreateChecked(options.Rate.ToDouble());
    readonly T _decay = T.CreateChecked(options.WeightDecay.ToDouble());
    readonly T _momentum = T.CreateChecked(options.Momentum.ToDouble());
    readonly T _beta1 = T.CreateChecked(options.Beta1);
    readonly T _beta2 = T.CreateChecked(options.Beta2);
    readonly T _epsilon = T.CreateChecked(options.Epsilon);
    int _step;

    /// <summary>Takes one step.</summary>
    public void Step(Span<T> values, ReadOnlySpan<T> gradients)
    {
        _step++;
        var correction1 = T.One - T.Pow(_beta1, T.CreateChecked(_step));
        var correction2 = T.Sqrt(T.One - T.Pow(_beta2, T.CreateChecked(_step)));
        for (var i = 0; i < values.Length; i++)
        {
            var gradient = gradients[i];
            if (!options.DecaysApart) gradient += _decay * values[i];
            else values[i] -= _rate * _decay * values[i];
            values[i] -= _rate * Direction(i, gradient, correction1, correction2);
        }
    }

    T Direction(int i, T gradient, T correction1, T correction2)
    {
        switch (options.Optimizer)
        {
            case OptimizerKind.Sgd:
                return gradient;
            case OptimizerKind.Momentum:
                return _mean[i] = _momentum * _mean[i] + gradient;
            case OptimizerKind.Nesterov:
                _mean[i] = _momentum * _mean[i] + gradient;
                return gradient + _momentum * _mean[i];
            case OptimizerKind.RmsProp:
                _square[i] = _beta2 * _square[i] + (T.One - _beta2) * gradient * gradient;
                return gradient / (T.Sqrt(_square[i]) + _epsilon);
            case OptimizerKind.Adam or OptimizerKind.AdamW:
                _mean[i] = _beta1 * _mean[i] + (T.One - _beta1) * gradient;
                _square[i] = _beta2 * _square[i] + (T.One - _beta2) * gradient * gradient;
                return _mean[i] / correction1 / (T.Sqrt(_square[i]) / correction2 + _epsilon);
            case OptimizerKind.Lion:
                var sign = _beta1 * _mean[i] + (T.One - _beta1) * gradient;
                _mean[i] = _beta2 * _mean[i] + (T.One - _beta2) * gradient;
                return sign > T.Zero ? T.One : sign < T.Zero ? -T.One : T.Zero;
            default:
                throw new InvalidOperationException($"no steps for {options.Optimizer}");
        }
    }
}
